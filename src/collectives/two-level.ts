import { allGatherRings, type Ring, reduceScatterRings } from "./ring.ts";
import { blockStart, blockStarts, type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/** One node: its first rank and how many ranks it has. */
interface Node {
  readonly first: number;
  readonly count: number;
}

/**
 * Rings inside nodes, rings between them: reduce-scatter in each node, all-reduce of each block over
 * the nodes, all-gather in each node.
 *
 * The vector has one block per rank of a full node. A last node of fewer ranks owns as many blocks:
 * some of its ranks own several and take part in several rings between nodes.
 */
export function twoLevelAllReduce({ ranks, payloadElements, ranksPerNode }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  const width = Math.min(ranksPerNode, ranks);
  const nodes = Array.from({ length: Math.ceil(ranks / width) }, (_, node): Node => {
    const first = node * width;
    return { first, count: Math.min(width, ranks - first) };
  });
  const starts = blockStarts(width, payloadElements);
  const inside = nodes.map((node) => ringInside(node, starts));
  const between = Array.from({ length: width }, (_, block) => ringBetween(nodes, block, starts));
  reduceScatterRings(builder, inside);
  reduceScatterRings(builder, between);
  allGatherRings(builder, between);
  allGatherRings(builder, inside);
  return builder.build("all-reduce", "two-level", ranks, payloadElements);
}

/** The ring of a node's ranks: its i-th rank owns blocks blockStart(i) up to blockStart(i + 1). */
function ringInside({ first, count }: Node, starts: readonly number[]): Ring {
  const width = starts.length - 1;
  return {
    members: Array.from({ length: count }, (_, i) => first + i),
    starts: Array.from({ length: count + 1 }, (_, i) => starts[blockStart(i, count, width)]!),
  };
}

/** The ring of the ranks that own a block, one on each node. */
function ringBetween(nodes: readonly Node[], block: number, starts: readonly number[]): Ring {
  const width = starts.length - 1;
  const offset = starts[block]!;
  const length = starts[block + 1]! - offset;
  return {
    // The largest i with blockStart(i, count, width) <= block.
    members: nodes.map(({ first, count }) => first + Math.ceil(((block + 1) * count) / width) - 1),
    starts: blockStarts(nodes.length, length).map((start) => offset + start),
  };
}
