import type { RankViews } from "../engine/arena-views.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import { subjectOf } from "./subject.ts";
import { entriesOf, runTrial, specOf } from "./trial.ts";

const compared = ["batch-norm", "SyncBN", "layer-norm"] as const;
const mesh = { data: 4 } as const;
/** γx̂ + β of a token that is its own mean is β. */
const bias = 0.25;
const checkedSteps = [1, 10, 50] as const;

/** A measured figure of one normaliser; null where there is nothing to measure. */
export interface Figure {
  readonly name: string;
  readonly value: number | null;
}

/** Reasons to prefer statistics of one token or sample that have nothing to do with communication. */
export interface Reasons {
  readonly padding: {
    /** Of all positions. */
    readonly paddedShare: number;
    /** Root mean square over valid tokens of y with padding in the statistics − y without. */
    readonly figures: readonly Figure[];
  };
  readonly oneToken: {
    readonly bias: number;
    /** Largest |y − bias| over all ranks, each of which holds one token. */
    readonly figures: readonly Figure[];
  };
  readonly inference: readonly {
    readonly trainingSteps: number;
    /** Root mean square of y by running statistics − y by the batch's; null: it keeps none. */
    readonly figures: readonly Figure[];
  }[];
}

/** Measure all of them. */
export async function measureReasons(): Promise<Reasons> {
  return { padding: await comparePadding(), oneToken: await runOneToken(), inference: await runInference() };
}

async function comparePadding(): Promise<Reasons["padding"]> {
  const run = async (masked: boolean) => {
    const passes: { readonly y: FloatArray; readonly mask: Uint8Array | null }[][] = [];
    const data = {
      source: "sequences",
      samples: 4,
      channels: 8,
      positions: 32,
      minLength: 8,
      mean: 1,
      masked,
    };
    await runTrial({ mesh, data, normalizers: entriesOf(compared) }, ({ ranks }) => {
      passes.push(ranks.map(({ y, mask }) => ({ y: y.slice(), mask: mask?.slice() ?? null })));
    });
    return { passes, channels: data.channels, positions: data.positions };
  };
  const { passes: masked, channels, positions } = await run(true);
  const { passes: unmasked } = await run(false);
  const validity = masked[0]!.flatMap(({ mask }) => [...mask!]);
  const figures = compared.map((name, index) => {
    const gaps = masked[index]!.flatMap(({ y, mask }, rank) => {
      const other = unmasked[index]![rank]!.y;
      const isValid = (at: number): boolean =>
        mask![Math.floor(at / (channels * positions)) * positions + (at % positions)] === 1;
      return [...y].map((value, at) => other[at]! - value).filter((_, at) => isValid(at));
    });
    return { name, value: rootMeanSquare(gaps) };
  });
  return { paddedShare: 1 - validity.reduce((sum, valid) => sum + valid, 0) / validity.length, figures };
}

async function runOneToken(): Promise<Reasons["oneToken"]> {
  const figures: Figure[] = [];
  const data = { source: "gaussian", samples: 1, channels: 8 };
  await runTrial({ mesh, data, normalizers: entriesOf(compared, { bias }) }, ({ ranks, normalizer }) => {
    const distances = ranks.flatMap(({ y }) => [...y].map((value) => Math.abs(value - bias)));
    figures.push({ name: compared[normalizer]!, value: Math.max(...distances) });
  });
  return { bias, figures };
}

async function runInference(): Promise<Reasons["inference"]> {
  const figures = new Map<number, Figure[]>(checkedSteps.map((steps) => [steps, []]));
  const data = { source: "gaussian", samples: 4, channels: 8, positions: [8], mean: 1, std: 2 };
  const trial = { mesh, data, normalizers: entriesOf(compared), trainingSteps: Math.max(...checkedSteps) };
  await runTrial(trial, ({ trainingStep, normalizer, ranks }) => {
    const name = compared[normalizer]!;
    const spec = specOf(subjectOf(name));
    const keepsStatistics = "momentum" in spec;
    const gaps = (): number[] => ranks.flatMap((rank) => inferenceGaps(rank, normalizer, spec.epsilon ?? 0));
    const value = keepsStatistics ? () => rootMeanSquare(gaps()) : () => null;
    figures.get(trainingStep + 1)?.push({ name, value: value() });
  });
  return [...figures].map(([trainingSteps, of]) => ({ trainingSteps, figures: of }));
}

/** y as inference would give it, weight 1 and bias 0, minus y of the training step. */
function inferenceGaps(
  { x, y, extent, runningMean, runningVariance }: RankViews,
  normalizer: number,
  epsilon: number,
): number[] {
  return [...y].map((trained, at) => {
    const channel = Math.floor(at / extent.positions) % extent.channels;
    const mean = runningMean[normalizer]![channel]!;
    return (x[at]! - mean) / Math.sqrt(runningVariance[normalizer]![channel]! + epsilon) - trained;
  });
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
