/** Bytes that are not of the format they should be: what was got, and what would do. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
