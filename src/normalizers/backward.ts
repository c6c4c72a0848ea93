import type { Progress } from "../collectives/communicator.ts";
import type { Normalizer, RankView } from "./operator.ts";

/** Every slice backward; dWeight and dBias are summed over slices, in order. */
export function* backwardOfSlices(
  normalizer: Normalizer,
  slices: readonly RankView[],
  { dWeight, dBias }: Pick<RankView, "dWeight" | "dBias">,
): Progress<void> {
  const [first, ...others] = slices;
  yield* normalizer.backward(first!);
  for (const slice of others) {
    const before = [dWeight.slice(), dBias.slice()] as const;
    yield* normalizer.backward(slice);
    for (let c = 0; c < dWeight.length; c++) {
      dWeight[c] = before[0][c]! + dWeight[c]!;
      dBias[c] = before[1][c]! + dBias[c]!;
    }
  }
}
