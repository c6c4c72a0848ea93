/**
 * Compare numbers one by one: |got − want| <= atol + rtol·|want|. Nothing is close to NaN, and only
 * itself to an infinity.
 *
 * @param what names the numbers in the message.
 * @throws Error that says how many differ, where the worst is and by how much.
 */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  rtol: number,
  atol: number,
  what = "values",
): void {
  if (got.length !== want.length) throw new Error(`${what}: got ${got.length} numbers, want ${want.length}`);
  let failures = 0;
  let worst = { at: -1, difference: 0, allowed: 0, excess: Number.NEGATIVE_INFINITY };
  for (let at = 0; at < want.length; at++) {
    if (got[at] === want[at]) continue;
    const difference = Math.abs(got[at]! - want[at]!);
    const allowed = Number.isFinite(want[at]) ? atol + rtol * Math.abs(want[at]!) : 0;
    if (difference <= allowed) continue;
    failures++;
    const excess = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference - allowed;
    if (excess > worst.excess) worst = { at, difference, allowed, excess };
  }
  if (failures === 0) return;
  const { at, difference, allowed } = worst;
  throw new Error(
    `${what}: ${failures} of ${want.length} differ; worst at [${at}]: got ${got[at]}, want ${want[at]}, ` +
      `off by ${difference.toExponential(3)}, allowed ${allowed.toExponential(3)}`,
  );
}

/** Compare one number: |got − want| <= rtol·|want|; null is close to nothing. */
export function expectRelative(got: number | null, want: number, rtol: number, what = "value"): void {
  expectClose([got ?? Number.NaN], [want], rtol, 0, what);
}
