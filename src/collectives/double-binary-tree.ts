import { blockStart, type Schedule, ScheduleBuilder, type ScheduleRequest } from "./schedule.ts";

/** A tree over positions 0..ranks-1, root 0; entry 0 of `parent` means nothing. */
interface Tree {
  readonly parent: readonly number[];
  /** Longest way down to a leaf: a position sends up in that step. */
  readonly height: readonly number[];
  /** Way up to the root. */
  readonly depth: readonly number[];
}

/**
 * Two binary trees, each reducing and broadcasting half of the vector, side by side in the same steps
 * and without pipelining. A rank that is interior in one tree is a leaf in the other, so that both
 * directions of every port are busy.
 *
 * **Order**: a rank adds its children's sums in the order of their height, then of their position.
 *
 * @see NCCL src/graph/trees.cc, ncclGetBtree and ncclGetDtree, for the same two trees
 * @see Sanders, Speck, Träff (2009), doi 10.1016/j.parco.2009.09.001
 */
export function doubleBinaryTreeAllReduce({ ranks, payloadElements }: ScheduleRequest): Schedule {
  const builder = new ScheduleBuilder();
  const tree = binaryTree(ranks);
  const half = blockStart(1, 2, payloadElements);
  const sendTwice = (from: number, to: number, kind: "reduce" | "copy") => {
    builder.send(from, to, 0, half, kind);
    builder.send(twin(from, ranks), twin(to, ranks), half, payloadElements - half, kind);
  };
  for (let step = 0; step < tree.height[0]!; step++) {
    for (let child = 1; child < ranks; child++) {
      if (tree.height[child] === step) sendTwice(child, tree.parent[child]!, "reduce");
    }
    builder.endStep();
  }
  for (let step = 0; step < Math.max(...tree.depth); step++) {
    for (let child = 1; child < ranks; child++) {
      if (tree.depth[child] === step + 1) sendTwice(tree.parent[child]!, child, "copy");
    }
    builder.endStep();
  }
  return builder.build("all-reduce", "double-binary-tree", ranks, payloadElements);
}

/** The rank at a position of the second tree: mirrored, or shifted by one where ranks is odd. */
function twin(position: number, ranks: number): number {
  return ranks % 2 === 0 ? ranks - 1 - position : (position + 1) % ranks;
}

function binaryTree(ranks: number): Tree {
  const parent = new Array<number>(ranks).fill(0);
  const height = new Array<number>(ranks).fill(0);
  const depth = new Array<number>(ranks).fill(0);
  let top = 1;
  // A parent's lowest set bit is above its child's, so children come first.
  for (let bit = 1; bit < ranks; bit *= 2) {
    for (let child = bit; child < ranks; child += 2 * bit) {
      const above = (child ^ bit) | (2 * bit);
      parent[child] = above < ranks ? above : child ^ bit;
      height[parent[child]!] = Math.max(height[parent[child]!]!, height[child]! + 1);
    }
    top = bit;
  }
  for (let bit = top; bit >= 1; bit /= 2) {
    for (let child = bit; child < ranks; child += 2 * bit) depth[child] = depth[parent[child]!]! + 1;
  }
  return { parent, height, depth };
}
