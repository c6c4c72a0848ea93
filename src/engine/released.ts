/** Another rank failed; this one stops at its next wait. Never the cause that is reported. */
export class ReleasedError extends Error {
  override readonly name = "ReleasedError";
}
