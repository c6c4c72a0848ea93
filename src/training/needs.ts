import { AssertionError, assert } from "../assert.ts";
import { scalarKernels } from "../kernels/scalar.ts";
import type { CollectiveShape } from "../normalizers/operator.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import { isFileSource } from "../scenario/data-source.ts";
import type { NormalizerSpec, Scenario, Storage } from "../scenario/scenario.ts";
import type { TrainingSpec } from "../scenario/training.ts";
import { arraysIn } from "./arrays.ts";
import { type TrainingEnvironment, TrainingThread } from "./environment.ts";
import { gradientValues } from "./gradient-reduction.ts";
import type { Network } from "./network.ts";
import { Trainer } from "./trainer.ts";

/** What training asks of the memory and the fabric, before any of it exists. */
export interface TrainingNeeds {
  /** Of each rank's memory; the most of any normaliser. */
  readonly bytes: readonly number[];
  /** Different index sets that one thread may describe to the kernels. */
  readonly indexSetCount: number;
  /** Per normaliser: its collectives in one training step, in the order a rank of a larger group executes them. */
  readonly collectives: readonly (readonly CollectiveShape[])[];
  /** Of every rank, over the world, at the end of each step. */
  readonly gradients: CollectiveShape;
}

/** Lay out every network once, on memory that is thrown away. */
export function trainingNeeds(scenario: Scenario, training: TrainingSpec, storage: Storage): TrainingNeeds {
  const thread = new TrainingThread();
  const measure = (normalizer: NormalizerSpec, rank: number) => {
    const arrays = arraysIn(null, 0, storage);
    const environment = { ...unconnected, rank, scenario, training, storage, normalizer, thread, arrays };
    const { network } = new Trainer(environment);
    return { network, bytes: arrays.bytesTaken };
  };
  assert(!isFileSource(scenario.data), "training on files");
  const bytesOf = new Map<number, number>();
  const bytes = scenario.data.samples.map((samples, rank) => {
    let most = bytesOf.get(samples);
    if (most === undefined) {
      most = Math.max(...scenario.normalizers.map((normalizer) => measure(normalizer, rank).bytes));
      bytesOf.set(samples, most);
    }
    return most;
  });
  const networks = scenario.normalizers.map((normalizer) => measure(normalizer, 0).network);
  return {
    bytes,
    indexSetCount: thread.indexSetCount,
    collectives: networks.map((network, index) => collectivesOf(network, scenario.normalizers[index]!)),
    gradients: {
      pass: "backward",
      operation: "all-reduce",
      values: gradientValues(networks[0]!.parameters),
      valuesPerElement: 1,
      format: storage,
    },
  };
}

function collectivesOf({ normalizations }: Network, spec: NormalizerSpec): CollectiveShape[] {
  const perLayer = normalizations.map(({ input: { tokens, features }, used, mask }) => {
    const extent = { samples: tokens, channels: features, positions: 1 };
    const sets = { setCount: used.count.length, isMasked: mask !== null };
    return createNormalizer(spec).collectives(extent, sets);
  });
  const of = (pass: CollectiveShape["pass"], layers: typeof perLayer): CollectiveShape[] =>
    layers.flatMap((shapes) => shapes.filter((shape) => shape.pass === pass));
  return [...of("forward", perLayer), ...of("backward", [...perLayer].reverse())];
}

const refuse = (): never => {
  throw new AssertionError("a network that is only laid out computes nothing");
};

/** An environment without an engine behind it. */
export const unconnected: Pick<TrainingEnvironment, "kernels" | "group" | "world" | "payload" | "enter"> = {
  kernels: scalarKernels,
  group: refuse,
  world: refuse,
  payload: refuse,
  enter: refuse,
};
