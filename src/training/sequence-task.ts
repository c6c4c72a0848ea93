import { drawSequence, drawSequenceIndices, tokenClasses } from "../scenario/tokens.ts";
import type { TokensSource } from "../scenario/training.ts";
import type { Task } from "./layer.ts";
import type { ArraySource } from "./layer-context.ts";
import type { Sequences } from "./sequences.ts";

/** Telling the symbol behind the marker: the sequences and the targets of a rank's microbatch. */
export interface SequenceTask extends Task {
  readonly input: Sequences;
  readonly targets: Int32Array;
  readonly classes: number;
}

/** The sequences of one rank. */
export function sequenceTask(
  arrays: ArraySource,
  source: TokensSource,
  seed: number,
  rank: number,
): SequenceTask {
  const samples = source.samples[rank]!;
  const [positions] = source.positions;
  const tokens = arrays.bytes(samples * positions);
  const mask = arrays.bytes(samples * positions);
  const targets = arrays.integers(samples);
  const globalBatch = source.samples.reduce((sum, count) => sum + count, 0);
  const before = source.samples.slice(0, rank).reduce((sum, count) => sum + count, 0);
  const load = (set: "training" | "test", n: number, index: number): void => {
    const sequence = drawSequence(source, seed, set, index);
    const start = n * positions;
    tokens.fill(0, start, start + positions);
    tokens.set(sequence.tokens, start);
    mask.fill(0, start, start + positions);
    mask.fill(1, start, start + sequence.tokens.length);
    targets[n] = sequence.label;
  };
  return {
    input: { samples, positions, vocabulary: source.channels, tokens, mask },
    targets,
    classes: tokenClasses(source),
    drawMicrobatch(trainingStep) {
      const indices = drawSequenceIndices(source, seed, rank, trainingStep);
      for (const [n, index] of indices.entries()) load("training", n, index);
    },
    loadTestBatch(batch) {
      for (let n = 0; n < samples; n++) load("test", n, batch * globalBatch + before + n);
    },
  };
}
