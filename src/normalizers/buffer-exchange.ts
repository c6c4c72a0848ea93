import type { Communicator, Progress } from "../collectives/communicator.ts";
import { momentsCombine } from "../collectives/merge-moments.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Buffers } from "../scenario/evaluation.ts";
import type { NumberFormat, WireFormat } from "../scenario/number-format.ts";
import type { NormalizerSpec } from "../scenario/scenario.ts";
import type { PreciseStatistics } from "../statistics/precise-statistics.ts";
import type { RunningStatistics } from "../statistics/running-statistics.ts";
import type { CollectiveShape } from "./operator.ts";

/** What an exchange sees of a rank. */
export interface BufferView {
  readonly running: RunningStatistics;
  readonly precise: PreciseStatistics;
  /** Of the ranks that hold the same channels, however the normaliser groups them. */
  readonly communicator: Communicator;
  /** Room for `count` values that a collective may send in a format. */
  payload(count: number, format: WireFormat): FloatArray;
  readonly storage: NumberFormat;
}

/** One way in which data parallel ranks come to share running statistics: one collective. */
export interface BufferExchange {
  /** Also before the forward pass of every training step; all happen before an evaluation. */
  readonly everyStep: boolean;
  collective(channels: number, storage: NumberFormat): CollectiveShape;
  exchange(view: BufferView): Progress<void>;
}

/** Mixed precision leaves buffers in float32: they travel so, whatever the payload of statistics. */
function bufferFormat(storage: NumberFormat): WireFormat {
  return storage === "float64" ? "float64" : "float32";
}

function additive(
  operation: CollectiveShape["operation"],
  values: number,
  storage: NumberFormat,
): CollectiveShape {
  return { pass: "forward", operation, values, valuesPerElement: 1, format: bufferFormat(storage) };
}

/** What a normaliser's `buffers` asks for; null: no rank hears of another's. */
export function bufferExchangeOf(spec: NormalizerSpec): BufferExchange | null {
  return "buffers" in spec ? bufferExchanges[spec.buffers] : null;
}

const bufferExchanges: Readonly<Record<Buffers, BufferExchange | null>> = {
  "per-rank": null,
  /**
   * DDP's broadcast_buffers: a rank's own batch is forgotten at the next forward pass. 2C + 2 values: in float32 the
   * two counts take the 8 bytes of PyTorch's int64 num_batches_tracked. DDP sends a model's buffers together, at a
   * step's first microbatch (the others run under no_sync).
   *
   * @see torch/nn/parallel/distributed.py, will_sync_module_buffers
   */
  broadcast: {
    everyStep: true,
    collective: (channels, storage) => additive("broadcast", 2 * channels + 2, storage),
    *exchange({ running, communicator, payload, storage }) {
      const format = bufferFormat(storage);
      const values = payload(2 * running.runningMean.length + 2, format);
      running.copyTo(values);
      yield* communicator.broadcast(values, { format });
      // Rank 0 too: buffers are what the wire carries, so that all ranks agree bit for bit.
      running.copyFrom(values);
    },
  },
  /** timm's distribute_bn with reduce: the mean over ranks, which omits the variance between their means. */
  average: {
    everyStep: false,
    collective: (channels, storage) => additive("all-reduce", 2 * channels, storage),
    *exchange({ running: { runningMean, runningVariance }, communicator, payload, storage }) {
      const format = bufferFormat(storage);
      const channels = runningMean.length;
      const values = payload(2 * channels, format);
      values.set(runningMean, 0);
      values.set(runningVariance, channels);
      yield* communicator.allReduce(values, { format });
      for (let c = 0; c < channels; c++) {
        runningMean[c] = values[c]! / communicator.groupSize;
        runningVariance[c] = values[channels + c]! / communicator.groupSize;
      }
    },
  },
  /** The moments of all values of all ranks, merged as records of three: stable where 2C + 1 sums would cancel. */
  precise: {
    everyStep: false,
    collective: (channels, storage) => ({
      ...additive("all-reduce", 3 * channels, storage),
      valuesPerElement: momentsCombine.valuesPerElement,
    }),
    *exchange({ running, precise: { moments }, communicator, payload, storage }) {
      const format = bufferFormat(storage);
      const values = payload(3 * moments.length, format);
      for (const [c, { count, mean, m2 }] of moments.entries()) values.set([count, mean, m2], 3 * c);
      yield* communicator.allReduce(values, { format, combine: momentsCombine });
      for (let c = 0; c < moments.length; c++) {
        running.runningMean[c] = values[3 * c + 1]!;
        running.runningVariance[c] = values[3 * c + 2]! / values[3 * c]!;
      }
    },
  },
  /** The mean over batches of their means and unbiased variances; every batch weighs the same. */
  "precise-average": {
    everyStep: false,
    collective: (channels, storage) => additive("all-reduce", 2 * channels + 1, storage),
    *exchange({ running, precise, communicator, payload, storage }) {
      const format = bufferFormat(storage);
      const channels = running.runningMean.length;
      const values = payload(2 * channels + 1, format);
      values.set(precise.sumMean, 0);
      values.set(precise.sumVariance, channels);
      values[2 * channels] = precise.batches;
      yield* communicator.allReduce(values, { format });
      const batches = values[2 * channels]!;
      for (let c = 0; c < channels; c++) {
        running.runningMean[c] = values[c]! / batches;
        running.runningVariance[c] = values[channels + c]! / batches;
      }
    },
  },
};
