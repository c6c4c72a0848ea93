/** A number in a table: at most six significant digits, a true minus, and an exponent where it is very small or large. */
export function number(value: number | null, digits = 6): string {
  if (value === null || !Number.isFinite(value)) return "not finite";
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

/** A share as a percentage, however small. */
export function percent(share: number | null, digits = 3): string {
  return share === null || !Number.isFinite(share) ? "not finite" : `${number(100 * share, digits)} %`;
}
