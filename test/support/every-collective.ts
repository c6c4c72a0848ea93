import {
  allGatherAlgorithms,
  allReduceAlgorithms,
  broadcastAlgorithms,
  reduceScatterAlgorithms,
} from "../../src/collectives/algorithms.ts";
import type { ScheduleRequest } from "../../src/collectives/schedule.ts";

/** Every operation with each of its algorithms. */
export const everyCollective = [
  ...allReduceAlgorithms.map((algorithm) => ["all-reduce", algorithm] as const),
  ...allGatherAlgorithms.map((algorithm) => ["all-gather", algorithm] as const),
  ...reduceScatterAlgorithms.map((algorithm) => ["reduce-scatter", algorithm] as const),
  ...broadcastAlgorithms.map((algorithm) => ["broadcast", algorithm] as const),
];

/** A request on nodes of 8 ranks, unless a test says otherwise. */
export function request(ranks: number, payloadElements: number, ranksPerNode = 8): ScheduleRequest {
  return { ranks, payloadElements, ranksPerNode };
}
