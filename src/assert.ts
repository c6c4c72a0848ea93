/** A bug in normsim: an invariant of the program did not hold. Nothing catches it. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Stop on a broken invariant. The message should carry the values that broke it.
 *
 * @throws AssertionError if the condition is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
