import { createNormalizer } from "../normalizers/registry.ts";
import type { NpyBatches } from "../scenario/npy-source.ts";
import { machineEpsilon } from "../scenario/number-format.ts";
import { momentsOf, variance } from "../statistics/moments.ts";
import type { Subject } from "./subject.ts";
import { runTrial } from "./trial.ts";

/** One sample of three channels on each of two ranks. */
const samples = [
  [2, 4, 6],
  [1, 3, 5],
] as const;
const channels = samples[0].length;

/** One index set of the two samples, worked through. */
export interface ToySet {
  /** Where its values lie. */
  readonly label: string;
  readonly values: readonly number[];
  /** 0 where the normaliser does not centre. */
  readonly mean: number;
  /** Biased; the mean square where the normaliser does not centre. */
  readonly variance: number;
  readonly epsilon: number;
  readonly centres: boolean;
  /** As the engine computed them in float64, weight 1 and bias 0. */
  readonly xHat: readonly number[];
}

/**
 * Normalise x1 = [2, 4, 6] on rank 0 and x2 = [1, 3, 5] on rank 1, in float64.
 *
 * @throws ScenarioError if the subject cannot be run.
 */
export async function workToy({ name, entry }: Subject): Promise<ToySet[]> {
  // Blocks of channels: one, since two do not divide three channels.
  const written = { name, ...entry, ...("groups" in entry && { groups: 1 }) };
  const y: number[][] = [];
  const trial = {
    mesh: { data: samples.length },
    data: { source: "npy", files: ["x1", "x2"] },
    storage: "float64",
    normalizers: [written],
    backward: false,
  } as const;
  const { normalizers, workload } = await runTrial(
    trial,
    ({ ranks }) => y.push(...ranks.map((rank) => [...rank.y])),
    toyBatches,
  );
  const { spec, groups } = normalizers[0]!;
  const { reduces, centres } = createNormalizer(spec);
  const epsilon = spec.epsilon ?? machineEpsilon(workload.storage);
  const perChannel = !reduces.includes("channels");
  return groups.flatMap(({ ranks }) =>
    Array.from({ length: perChannel ? channels : 1 }, (_, channel) => {
      const of = (values: readonly (readonly number[])[]): number[] =>
        ranks.flatMap((rank) => (perChannel ? [values[rank]![channel]!] : [...values[rank]!]));
      const values = of(samples);
      const moments = momentsOf(values);
      return {
        label: labelOf(ranks, perChannel ? channel : null) + ("groups" in entry ? ", one block" : ""),
        values,
        mean: centres ? moments.mean : 0,
        variance: centres ? variance(moments, "biased") : momentsOf(values.map((value) => value ** 2)).mean,
        epsilon,
        centres,
        xHat: of(y),
      };
    }),
  );
}

const toyBatches: NpyBatches = {
  samples: samples.map(() => 1),
  channels,
  positionExtents: [],
  storage: "float64",
  x: samples.map((values) => Float64Array.from(values)),
  dy: null,
  mask: null,
};

function labelOf(ranks: readonly number[], channel: number | null): string {
  const where = ranks.map((rank) => `x${rank + 1}`).join(" and ");
  return channel === null ? where : `channel ${channel} of ${where}`;
}
