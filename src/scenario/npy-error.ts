/** Bytes that are not a .npy array normsim reads: what was got, and what would do. */
export class NpyError extends Error {
  override readonly name = "NpyError";
}
