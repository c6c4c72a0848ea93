import type { Progress } from "../../collectives/communicator.ts";
import { backwardOfSlices } from "../../normalizers/backward.ts";
import {
  momentsMethodOf,
  type Normalizer,
  normalizeSets,
  type RankView,
  type Recurrence,
  type SetStatistics,
} from "../../normalizers/operator.ts";
import { createNormalizer } from "../../normalizers/registry.ts";
import { createStatistics, viewsOfSlices } from "../../normalizers/slice-view.ts";
import { type Slice, setCountOf, slicesOf } from "../../normalizers/slices.ts";
import { spreadlessSets } from "../../normalizers/spreadless.ts";
import { machineEpsilon } from "../../scenario/number-format.ts";
import { countNonFinite } from "../../statistics/non-finite.ts";
import { RunningStatistics, trackMoments } from "../../statistics/running-statistics.ts";
import type { Activation, ForwardMode, Layer, Parameter } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";
import { addEvents, type NumericEvents, noEvents } from "../numeric-events.ts";

/** Of a layer: training is data-parallel, so a rank holds whole samples. */
const unsharded = { data: 1, tensor: 1, sequence: 1 };
const channelArrays = ["weight", "bias", "ones", "dWeight", "dBias", "gain", "shift", "offset"] as const;
type ChannelArrays = Record<(typeof channelArrays)[number], Float64Array>;

/** The scenario's normaliser as a layer over [tokens, features], with a trained γ and β and its group's collectives. */
export class Normalization implements Layer {
  readonly name: string;
  readonly parameters: readonly [weight: Parameter, bias: Parameter];
  readonly input: Activation;
  readonly output: Activation;
  /** One per token, 1 is valid; null: all are. Invalid tokens come out as 0. */
  readonly mask: Uint8Array | null;
  readonly slices: readonly Slice[];
  /** What the last forward pass used, of all slices one after the other. */
  readonly used: SetStatistics;
  /** What this rank remembers; of normalisers that track statistics. */
  readonly running: RunningStatistics;
  /** What this rank remembers instead, of a normaliser of mean squares. */
  readonly recurrence: Recurrence | null;
  /** Of training steps. */
  readonly events: NumericEvents = noEvents();
  readonly #context: LayerContext;
  readonly #normalizer: Normalizer;
  readonly #channels: ChannelArrays;
  readonly #slices: readonly Omit<RankView, "communicator">[];

  constructor(context: LayerContext, name: string, input: Activation, mask: Uint8Array | null) {
    const { normalizer: spec } = context;
    const { tokens, features } = input;
    this.name = name;
    this.#context = context;
    this.#normalizer = createNormalizer(spec);
    this.input = input;
    this.mask = mask;
    this.output = createActivation(context, tokens, features);
    this.parameters = [
      context.parameter(`${name}.weight`, features, () => spec.weight as number),
      context.parameter(`${name}.bias`, features, () => spec.bias as number),
    ];
    const extent = { samples: tokens, channels: features, positions: 1 };
    this.slices = slicesOf(spec, this.#normalizer, extent, unsharded).map((slice) => {
      return { ...slice, sets: context.indexSets(slice.extent, this.#normalizer) };
    });
    this.used = createStatistics(context.doubles, setCountOf(this.slices));
    this.running = new RunningStatistics(features, "momentum" in spec ? spec.momentum : null);
    this.recurrence = this.#normalizer.recurrence?.(features) ?? null;
    this.#channels = Object.fromEntries(
      channelArrays.map((array) => [array, context.doubles(features)]),
    ) as ChannelArrays;
    this.#slices = this.#viewsOfSlices();
  }

  *forward(mode: ForwardMode): Progress<void> {
    const { weight, bias, ones } = this.#channels;
    ones.fill(1);
    weight.set(this.parameters[0].values);
    bias.set(this.parameters[1].values);
    const { runningVariance } = this.#normalizer;
    // A recurrence takes in every batch that it normalises, so an evaluation always recalls.
    const isRecalled =
      this.recurrence === null
        ? runningVariance !== null && mode === "running-statistics"
        : mode !== "training";
    for (const view of this.#views()) {
      if (isRecalled) this.#recall(view);
      else {
        const { own, merged } = yield* this.#normalizer.forward(view);
        if (mode === "training") addEvents(this.events, { ownClamps: own, mergedClamps: merged });
      }
      if (mode === "training" && runningVariance !== null)
        trackMoments(this.running, view.statistics.count[0]!, view.statistics, runningVariance);
    }
    if (mode === "training") this.#countOutputEvents();
  }

  *backward(): Progress<void> {
    yield* backwardOfSlices(this.#normalizer, this.#views(), this.#channels);
    const [weight, bias] = this.parameters;
    weight.gradients.set(this.#channels.dWeight);
    bias.gradients.set(this.#channels.dBias);
    addEvents(this.events, { nonFiniteGradients: countNonFinite(this.input.gradients!) });
  }

  /** Tokens that count. */
  get validTokens(): number {
    const { mask, input } = this;
    return mask === null ? input.tokens : mask.reduce((sum, valid) => sum + valid, 0);
  }

  #countOutputEvents(): void {
    const { output, used } = this;
    const { features, values } = output;
    const sets = { setCount: used.count.length, channels: features, firstChannel: 0 };
    addEvents(this.events, {
      elements: this.validTokens * features,
      nonFiniteOutputs: countNonFinite(values),
      ...spreadlessSets(this.#normalizer, used, sets),
    });
  }

  /** Normalise with what this rank remembers, as if it were the statistics of a batch. */
  #recall(view: RankView): void {
    const { count, mean, m2 } = view.statistics;
    count.fill(1);
    if (this.recurrence === null) {
      mean.set(this.running.runningMean);
      m2.set(this.running.runningVariance);
    } else {
      mean.fill(0);
      m2.set(this.recurrence.running);
    }
    normalizeSets(view);
  }

  /** The slices, each with the communicator of one pass. */
  #views(): RankView[] {
    const communicator = this.#context.communicator();
    return this.#slices.map((slice) => ({ ...slice, communicator }));
  }

  #viewsOfSlices(): Omit<RankView, "communicator">[] {
    const { kernels, payload, normalizer: spec, storage } = this.#context;
    const { running, recurrence, mask } = this;
    const arrays = {
      x: this.input.values,
      mask,
      dy: this.output.gradients!,
      y: this.output.values,
      dx: this.input.gradients!,
    };
    return viewsOfSlices(this.slices, arrays, this.used).map((slice) => ({
      ...slice,
      ...this.#channels,
      kernels,
      centres: this.#normalizer.centres,
      running,
      recurrence,
      epsilon: spec.epsilon ?? machineEpsilon(storage),
      method: momentsMethodOf(spec),
      partCounts: null,
      payload,
    }));
  }
}
