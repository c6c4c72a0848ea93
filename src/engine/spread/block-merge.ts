import { assert } from "../../assert.ts";
import { placeDataRanks } from "../placement.ts";
import { mergeWholeBatch } from "../whole-batch.ts";
import type { Workload } from "../workload.ts";
import { joined, newObservations, newWhole, observationsOf, separate, wholeArrays } from "./block-arrays.ts";
import type { Answer, BlockCall, BlockOutcome } from "./block-call.ts";
import { answerCollective } from "./block-collective.ts";

/**
 * What all blocks together give: the moments of the whole batch, merged in rank order, for `prepare`; what a
 * collective gives, where blocks wait for one; else nothing, because all are done.
 *
 * @param outcomes of every block, in rank order.
 */
export function mergeBlocks(
  workload: Workload,
  { kind, normalizer }: Pick<BlockCall<unknown, unknown>, "kind" | "normalizer">,
  outcomes: readonly BlockOutcome[],
): Float64Array | Answer | null {
  if (kind === "prepare") return mergedWhole(workload, outcomes);
  const contributions = outcomes.flatMap((outcome) =>
    outcome.kind === "waits" ? outcome.contributions : [],
  );
  return contributions.length === 0 ? null : answerCollective(workload, normalizer, contributions);
}

function mergedWhole(workload: Workload, outcomes: readonly BlockOutcome[]): Float64Array {
  const blocks = placeDataRanks(workload.scenario.mesh, outcomes.length);
  const ranks = outcomes.flatMap((outcome, index) => {
    assert(outcome.kind === "done", "a block waits while it observes");
    const { first, count } = blocks[index]!;
    // The sharded layout is the first.
    return outcome.arrays.slice(0, count).map((array, i) => {
      const observed = newObservations(workload, first + i);
      separate(array, observationsOf(observed));
      return observed;
    });
  });
  const whole = newWhole(workload.channels);
  mergeWholeBatch(ranks, whole);
  return joined(wholeArrays(whole));
}
