import { assert } from "../assert.ts";
import type {
  AllGatherAlgorithm,
  AllReduceAlgorithm,
  BroadcastAlgorithm,
  ReduceScatterAlgorithm,
} from "./algorithms.ts";
import { binomialBroadcast, binomialTreeAllReduce } from "./binomial-tree.ts";
import { bruckAllGather } from "./bruck.ts";
import { doubleBinaryTreeAllReduce } from "./double-binary-tree.ts";
import { rabenseifnerAllReduce } from "./rabenseifner.ts";
import { recursiveDoublingAllGather, recursiveDoublingAllReduce } from "./recursive-doubling.ts";
import { recursiveHalvingReduceScatter } from "./recursive-halving.ts";
import { ringAllGather, ringAllReduce, ringReduceScatter } from "./ring.ts";
import type { Operation, Schedule, ScheduleRequest } from "./schedule.ts";
import { starAllReduce } from "./star.ts";
import { twoLevelAllReduce } from "./two-level.ts";

/** The algorithms of each operation. */
export interface AlgorithmOf {
  readonly "all-reduce": AllReduceAlgorithm;
  readonly "all-gather": AllGatherAlgorithm;
  readonly "reduce-scatter": ReduceScatterAlgorithm;
  readonly broadcast: BroadcastAlgorithm;
}

type Plan = (request: ScheduleRequest) => Schedule;

const plans: { readonly [O in Operation]: Readonly<Record<AlgorithmOf[O], Plan>> } = {
  "all-reduce": {
    ring: ringAllReduce,
    "recursive-doubling": recursiveDoublingAllReduce,
    rabenseifner: rabenseifnerAllReduce,
    "binomial-tree": binomialTreeAllReduce,
    "double-binary-tree": doubleBinaryTreeAllReduce,
    "two-level": twoLevelAllReduce,
    star: starAllReduce,
  },
  "all-gather": {
    ring: ringAllGather,
    bruck: bruckAllGather,
    "recursive-doubling": recursiveDoublingAllGather,
  },
  "reduce-scatter": { ring: ringReduceScatter, "recursive-halving": recursiveHalvingReduceScatter },
  broadcast: { binomial: binomialBroadcast },
};

/**
 * The messages that an algorithm sends to do an operation.
 *
 * @throws AssertionError if the operation has no such algorithm or the request is not of counts.
 */
export function buildSchedule<O extends Operation>(
  operation: O,
  algorithm: AlgorithmOf[O],
  request: ScheduleRequest,
): Schedule {
  const { ranks, payloadElements, ranksPerNode } = request;
  assert(Number.isInteger(ranks) && ranks >= 1, `${operation} over ${ranks} ranks`);
  assert(
    Number.isInteger(payloadElements) && payloadElements >= 0,
    `${operation} of ${payloadElements} elements`,
  );
  assert(
    Number.isInteger(ranksPerNode) && ranksPerNode >= 1,
    `${operation} with ${ranksPerNode} ranks per node`,
  );
  const plan: Plan | undefined = plans[operation][algorithm];
  assert(plan !== undefined, `${operation} has no algorithm ${algorithm}`);
  return plan(request);
}
