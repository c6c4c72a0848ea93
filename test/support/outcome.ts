import {
  type BatchNormCase,
  type GroupOutcome,
  type LayerNormCase,
  type NormalizerCase,
  type Outcome,
  positionCount,
  type RankInput,
  type RankOutcome,
} from "./normalizer-case.ts";
import {
  batchNormReference,
  layerNormReference,
  type ReferenceInput,
  type ReferenceOutput,
  runningReference,
} from "./reference.ts";

/** What the slow reference makes of a case: every group's ranks as one batch, cut up again. */
export function referenceOutcome(example: NormalizerCase): Outcome {
  return example.type === "layer-norm" ? layerNormOutcome(example) : batchNormOutcome(example);
}

/** The groups of a case's ranks; LayerNorm pools nothing. */
export function groupRanks(example: NormalizerCase): RankInput[][] {
  const { ranks } = example;
  const group = example.type === "layer-norm" ? 1 : example.group;
  const count = group === "world" ? ranks.length : group;
  const groups: RankInput[][] = [];
  for (let first = 0; first < ranks.length; first += count) groups.push(ranks.slice(first, first + count));
  return groups;
}

function layerNormOutcome(example: LayerNormCase): Outcome {
  return { ranks: example.ranks.map((rank) => layerNormReference(concatenate(example, [rank]))) };
}

function batchNormOutcome(example: BatchNormCase): Outcome {
  const ranks: RankOutcome[] = [];
  const groups: GroupOutcome[] = [];
  for (const members of groupRanks(example)) {
    const batches = batchesOfSteps(example, members).map(batchNormReference);
    const last = batches.at(-1)!;
    const running = runningReference(batches, example.momentum);
    groups.push({
      count: last.count[0]!,
      mean: last.mean,
      variance: last.variance,
      dWeight: last.dWeight,
      dBias: last.dBias,
      runningMean: running.mean,
      runningVariance: running.variance,
    });
    ranks.push(...cutUp(example, members, last));
  }
  return { ranks, groups };
}

/** What the ranks of one group hold in every training step, as one batch each; the last step last. */
export function batchesOfSteps(example: NormalizerCase, members: readonly RankInput[]): ReferenceInput[] {
  const { earlier, trainingSteps } =
    example.type === "layer-norm" ? { earlier: [], trainingSteps: 1 } : example;
  const first = example.ranks.indexOf(members[0]!);
  const inputs = earlier.map((x) => members.map((rank, i) => ({ ...rank, x: x[first + i]! })));
  while (inputs.length < trainingSteps) inputs.push([...members]);
  return inputs.map((ranks) => concatenate(example, ranks));
}

/** The last training step of every group, as one batch each. */
export function lastBatches(example: NormalizerCase): ReferenceInput[] {
  return groupRanks(example).map((members) => batchesOfSteps(example, members).at(-1)!);
}

/** The ranks' microbatches as one batch, in rank order. */
function concatenate(example: NormalizerCase, ranks: readonly RankInput[]): ReferenceInput {
  const isMasked = ranks.some((rank) => rank.mask !== null);
  return {
    samples: ranks.reduce((sum, rank) => sum + rank.samples, 0),
    channels: example.channels,
    positions: positionCount(example),
    x: ranks.flatMap((rank) => rank.x),
    dy: ranks.flatMap((rank) => rank.dy),
    mask: isMasked ? ranks.flatMap((rank) => rank.mask ?? []) : null,
    weight: example.weight,
    bias: example.bias,
    epsilon: example.epsilon,
  };
}

/** A rank's own dWeight and dBias are those of the batch whose dy is 0 on every other rank. */
function cutUp(example: BatchNormCase, members: readonly RankInput[], whole: ReferenceOutput): RankOutcome[] {
  let start = 0;
  return members.map((rank) => {
    const end = start + rank.x.length;
    const others = members.map((other) => (other === rank ? rank : { ...other, dy: other.dy.map(() => 0) }));
    const { dWeight, dBias } = batchNormReference(concatenate(example, others));
    const outcome = { y: whole.y.slice(start, end), dx: whole.dx.slice(start, end), dWeight, dBias };
    start = end;
    return outcome;
  });
}
