import type { NormalizerReport } from "../../src/report/report.ts";
import type { ImplementationName } from "../../src/scenario/implementation-names.ts";
import type { NpyBatches } from "../../src/scenario/npy-source.ts";
import { simulate } from "../../src/simulate.ts";
import { scenarioFrom } from "./scenario.ts";

interface LibraryRun {
  /** One channel of one position on each rank. */
  readonly x: readonly (readonly number[])[];
  readonly dy: readonly (readonly number[])[];
  readonly epsilon: number;
  /** Default: float64. */
  readonly storage?: "float32" | "float64";
}

interface LibraryOutcome {
  readonly y: number[][];
  readonly dx: number[][];
  /** Per rank, of the channel. */
  readonly used: { readonly count: number; readonly mean: number; readonly m2: number }[];
  /** Per rank, after one batch that weighs 1. */
  readonly runningMean: number[];
  readonly runningVariance: number[];
  readonly report: NormalizerReport;
}

/** One training step of one channel, synchronised over all ranks as each of the libraries does it. */
export async function runLibraries<Name extends ImplementationName>(
  names: readonly Name[],
  run: LibraryRun,
): Promise<Record<Name, LibraryOutcome>> {
  const { x, dy, epsilon, storage = "float64" } = run;
  const pooling = { type: "batch-norm", group: "world", epsilon, momentum: 1 };
  const scenario = scenarioFrom({
    mesh: { data: x.length },
    data: { source: "npy", files: x.map((_, rank) => `${rank}.npy`) },
    storage,
    normalizers: names.map((name) => ({ ...pooling, name, implementation: name })),
  });
  const arrays = (ranks: LibraryRun["x"]) =>
    ranks.map((values) => (storage === "float32" ? Float32Array.from(values) : Float64Array.from(values)));
  const batches: NpyBatches = {
    samples: x.map(({ length }) => length),
    channels: 1,
    positionExtents: [],
    storage,
    x: arrays(x),
    dy: arrays(dy),
    mask: null,
  };
  const outcomes: Omit<LibraryOutcome, "report">[] = [];
  const { normalizers } = await simulate(scenario, {
    batches,
    onPass({ ranks, normalizer }) {
      outcomes.push({
        y: ranks.map(({ y }) => Array.from(y)),
        dx: ranks.map(({ dx }) => Array.from(dx)),
        used: ranks.map(({ used: { count, mean, m2 } }) => ({
          count: count[0]!,
          mean: mean[0]!,
          m2: m2[0]!,
        })),
        runningMean: ranks.map(({ runningMean }) => runningMean[normalizer]![0]!),
        runningVariance: ranks.map(({ runningVariance }) => runningVariance[normalizer]![0]!),
      });
    },
  });
  return Object.fromEntries(
    names.map((name, index) => [name, { ...outcomes[index]!, report: normalizers[index]! }]),
  ) as Record<Name, LibraryOutcome>;
}

/** The same of one library. */
export async function runLibrary(name: ImplementationName, run: LibraryRun): Promise<LibraryOutcome> {
  return (await runLibraries([name], run))[name]!;
}
