import type { Communicator, Progress } from "../../../src/collectives/communicator.ts";
import { type Extent, indexSetsOf } from "../../../src/kernels/index-sets.ts";
import { createKernelMemory, createWasmKernels, descriptionBytes } from "../../../src/kernels/wasm.ts";
import { momentsMethodOf, type RankView } from "../../../src/normalizers/operator.ts";
import { createNormalizer } from "../../../src/normalizers/registry.ts";
import { createStatistics } from "../../../src/normalizers/slice-view.ts";
import { RunningStatistics } from "../../../src/statistics/running-statistics.ts";
import { arraysIn } from "../../../src/training/arrays.ts";
import { scenarioFrom } from "../../support/scenario.ts";

/** A normaliser of one rank that holds everything, and its passes. */
export interface Layer {
  readonly view: RankView;
  forward(): void;
  backward(): void;
}

const refuse = (): never => {
  throw new Error("one rank alone sends nothing");
};
const alone: Communicator = {
  groupSize: 1,
  allReduce: refuse,
  allGather: refuse,
  broadcast: refuse,
  reduceScatter: refuse,
};

function finish(program: Progress<unknown>): void {
  if (program.next().done !== true) throw new Error("a rank alone waits for somebody");
}

const dataStart = 131_072;

/** A layer over float32 data [N, C, L], on the compiled kernels, as a rank of the simulator runs it. */
export async function createLayer(type: "batch-norm" | "layer-norm", extent: Extent): Promise<Layer> {
  const { samples, channels, positions } = extent;
  const spec = scenarioFrom({
    mesh: { data: 1 },
    data: { source: "gaussian", samples: 1, channels: 1 },
    normalizers: [{ type }],
  }).normalizers[0]!;
  const normalizer = createNormalizer(spec);
  const count = samples * channels * positions;
  const sets = indexSetsOf(extent, normalizer.reduces);
  const memory = createKernelMemory(
    dataStart + 4 * (count * 4 + 64) + 8 * (10 * sets.setCount + 9 * channels + 512),
  );
  const arrays = arraysIn(memory.buffer, dataStart, "float32");
  const descriptions = new Int32Array(memory.buffer, 1024, descriptionBytes(1) / 4);
  const channel = (): Float64Array => arrays.doubles(channels);
  const view: RankView = {
    kernels: await createWasmKernels(memory, descriptions),
    extent,
    sets,
    centres: normalizer.centres,
    input: { x: arrays.floats(count), mask: null },
    dy: arrays.floats(count),
    y: arrays.floats(count),
    dx: arrays.floats(count),
    statistics: createStatistics(arrays.doubles, sets.setCount),
    ...{ weight: channel(), bias: channel(), ones: channel().fill(1), dWeight: channel(), dBias: channel() },
    ...{ gain: channel(), shift: channel(), offset: channel() },
    running: new RunningStatistics(channels, null),
    recurrence: null,
    epsilon: 1e-5,
    method: momentsMethodOf(spec),
    communicator: alone,
    partCounts: null,
    payload: refuse,
  };
  for (let i = 0; i < count; i++) {
    view.input.x[i] = ((i * 7919) % 10_007) * 1e-3 + 1;
    view.dy[i] = ((i * 104_729) % 10_007) * 2e-4 - 1;
  }
  for (let c = 0; c < channels; c++) {
    view.weight[c] = 0.5 + (c % 7) / 7;
    view.bias[c] = (c % 5) / 5 - 0.5;
  }
  return {
    view,
    forward: () => finish(normalizer.forward(view)),
    backward: () => finish(normalizer.backward(view)),
  };
}
