import type { Progress } from "../../collectives/communicator.ts";
import type { FloatArray } from "../../kernels/kernels.ts";
import type { RankView, SetStatistics } from "../../normalizers/operator.ts";
import { createNormalizer } from "../../normalizers/registry.ts";
import { setCountOf, slicesOf } from "../../normalizers/slices.ts";
import { machineEpsilon } from "../../scenario/microbatch.ts";
import { RunningStatistics, trackMoments } from "../../statistics/running-statistics.ts";
import type { Activation, ForwardMode, Layer } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";

/** A layer that is the scenario's normaliser, with a trained γ and β, over [tokens, features]. */
export interface Normalization extends Layer {
  readonly input: Activation;
  /** What the last forward pass used, of all slices one after the other. */
  readonly used: SetStatistics;
  readonly mask: Uint8Array | null;
  readonly running: RunningStatistics;
}

const setArrays = ["count", "mean", "m2", "invStd", "sumG", "sumGXmu", "meanG", "slope", "scale"] as const;

/**
 * The scenario's normaliser as a layer, with the collectives of its group.
 *
 * @param mask one per token, 1 is valid; null: all are. Invalid tokens come out as 0.
 */
export function normalization(
  context: LayerContext,
  name: string,
  input: Activation,
  mask: Uint8Array | null,
): Normalization {
  const { normalizer: spec } = context;
  const { tokens, features } = input;
  const normalizer = createNormalizer(spec);
  const extent = { samples: tokens, channels: features, positions: 1 };
  const output = createActivation(context, tokens, features);
  const weight = context.parameter(`${name}.weight`, features, () => spec.weight as number);
  const bias = context.parameter(`${name}.bias`, features, () => spec.bias as number);
  const slices = slicesOf(spec, normalizer, extent).map((slice) => {
    return { ...slice, sets: context.indexSets(slice.extent, normalizer) };
  });
  const used = createStatistics(context, setCountOf(slices));
  const running = new RunningStatistics(features, "momentum" in spec ? spec.momentum : null);
  const perChannel = (): Float64Array => context.doubles(features);
  const [gamma, beta, ones, dWeight, dBias] = [
    perChannel(),
    perChannel(),
    perChannel(),
    perChannel(),
    perChannel(),
  ];
  const [gain, shift, offset] = [perChannel(), perChannel(), perChannel()];
  const epsilon = spec.epsilon ?? machineEpsilon(context.storage);

  const views = (): RankView[] => {
    const communicator = context.communicator();
    const { kernels, payload } = context;
    let firstSet = 0;
    return slices.map(({ firstSample, extent: own, sets }) => {
      const part = <T extends FloatArray | Uint8Array>(array: T, perSample: number): T =>
        array.subarray(firstSample * perSample, (firstSample + own.samples) * perSample) as T;
      const statistics = partOfStatistics(used, firstSet, sets.setCount);
      firstSet += sets.setCount;
      return {
        kernels,
        extent: own,
        sets,
        centres: normalizer.centres,
        input: { x: part(input.values, features), mask: mask === null ? null : part(mask, 1) },
        dy: part(output.gradients!, features),
        y: part(output.values, features),
        dx: part(input.gradients!, features),
        statistics,
        weight: gamma,
        bias: beta,
        ones,
        dWeight,
        dBias,
        gain,
        shift,
        offset,
        running,
        epsilon,
        communicator,
        channelShards: [features],
        payload,
      };
    });
  };

  const recallStatistics = (view: RankView): void => {
    view.statistics.count.fill(1);
    view.statistics.mean.set(running.runningMean);
    view.statistics.m2.set(running.runningVariance);
    normalizer.normalize(view);
  };

  return {
    parameters: [weight, bias],
    input,
    output,
    used,
    mask,
    running,
    *forward(mode: ForwardMode): Progress<void> {
      ones.fill(1);
      gamma.set(weight.values);
      beta.set(bias.values);
      const isRecalled = mode === "running-statistics" && normalizer.tracksStatistics;
      for (const view of views()) {
        if (isRecalled) recallStatistics(view);
        else yield* normalizer.forward(view);
        if (mode === "training" && normalizer.tracksStatistics)
          trackMoments(running, view.statistics.count[0]!, view.statistics);
      }
    },
    *backward(): Progress<void> {
      weight.gradients.fill(0);
      bias.gradients.fill(0);
      const [sumOfWeight, sumOfBias] = [new Float64Array(features), new Float64Array(features)];
      for (const view of views()) {
        yield* normalizer.backward(view);
        for (let c = 0; c < features; c++) {
          sumOfWeight[c]! += dWeight[c]!;
          sumOfBias[c]! += dBias[c]!;
        }
      }
      weight.gradients.set(sumOfWeight);
      bias.gradients.set(sumOfBias);
    },
  };
}

function createStatistics(context: LayerContext, setCount: number): SetStatistics {
  return Object.fromEntries(
    setArrays.map((name) => [name, context.doubles(setCount)]),
  ) as unknown as SetStatistics;
}

function partOfStatistics(statistics: SetStatistics, firstSet: number, setCount: number): SetStatistics {
  return Object.fromEntries(
    setArrays.map((name) => [name, statistics[name].subarray(firstSet, firstSet + setCount)]),
  ) as unknown as SetStatistics;
}
