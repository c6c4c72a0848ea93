/**
 * Compare numbers one by one: |got − want| <= atol + rtol·|want|. Nothing is close to NaN.
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
  let worst = 0;
  let worstExcess = -1;
  for (let i = 0; i < want.length; i++) {
    const difference = Object.is(got[i], want[i]) ? 0 : Math.abs(got[i]! - want[i]!);
    const allowed = atol + rtol * Math.abs(want[i]!);
    if (difference <= allowed) continue;
    failures++;
    const excess = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference - allowed;
    if (excess <= worstExcess) continue;
    worstExcess = excess;
    worst = i;
  }
  if (failures === 0) return;
  const difference = Math.abs(got[worst]! - want[worst]!);
  const allowed = atol + rtol * Math.abs(want[worst]!);
  throw new Error(
    `${what}: ${failures} of ${want.length} differ; worst at [${worst}]: got ${got[worst]}, want ${want[worst]}, ` +
      `off by ${difference.toExponential(3)}, allowed ${allowed.toExponential(3)}`,
  );
}
