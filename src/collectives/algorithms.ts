/** Algorithms that sum the vectors of all ranks onto every rank. */
export const allReduceAlgorithms = [
  "ring",
  "recursive-doubling",
  "rabenseifner",
  "binomial-tree",
  "double-binary-tree",
  "two-level",
  "star",
] as const;
export type AllReduceAlgorithm = (typeof allReduceAlgorithms)[number];

/** Algorithms that leave every rank with the blocks of all ranks, in rank order. */
export const allGatherAlgorithms = ["ring", "bruck", "recursive-doubling"] as const;
export type AllGatherAlgorithm = (typeof allGatherAlgorithms)[number];

/** Algorithms that leave block r of the sum on rank r. */
export const reduceScatterAlgorithms = ["ring", "recursive-halving"] as const;
export type ReduceScatterAlgorithm = (typeof reduceScatterAlgorithms)[number];

/** Algorithms that copy rank 0's vector to every rank. */
export const broadcastAlgorithms = ["binomial"] as const;
export type BroadcastAlgorithm = (typeof broadcastAlgorithms)[number];
