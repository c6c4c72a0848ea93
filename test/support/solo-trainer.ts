import type { Communicator } from "../../src/collectives/communicator.ts";
import { createKernelMemory, createWasmKernels, descriptionBytes } from "../../src/kernels/wasm.ts";
import type { Storage } from "../../src/scenario/scenario.ts";
import { arraysIn } from "../../src/training/arrays.ts";
import { TrainingThread } from "../../src/training/environment.ts";
import type { ImageTask } from "../../src/training/image-task.ts";
import type { Network } from "../../src/training/network.ts";
import { Trainer } from "../../src/training/trainer.ts";
import { scenarioFrom } from "./scenario.ts";

/** A batch to train on: [samples, 64] and one class per sample. */
export interface LabelledBatch {
  readonly x: readonly number[];
  readonly targets: readonly number[];
}

/** A trainer that is the whole world, on the compiled kernels, whose microbatches are given. */
export interface SoloTrainer {
  readonly network: Network;
  /** Load a batch as the network's input. */
  load(batch: LabelledBatch): void;
  /** One training step on a batch; returns the mean loss before the update. */
  step(batch: LabelledBatch): number;
  /** The mean loss of the loaded batch, with its own statistics. */
  loss(): number;
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

/** Run a program that never waits. */
function finish<T>(program: Generator<undefined, T, undefined>): T {
  const { done, value } = program.next();
  if (done !== true) throw new Error("a rank alone waits for somebody");
  return value;
}

/** A solo trainer of an MLP; `fields` are those of a scenario with a training block and one rank. */
export async function soloTrainer(fields: Record<string, unknown>, storage: Storage): Promise<SoloTrainer> {
  const scenario = scenarioFrom({ mesh: { data: 1 }, storage, ...fields });
  const memory = createKernelMemory(1 << 22);
  const descriptions = new Int32Array(memory.buffer, 1024, descriptionBytes(64) / 4);
  const trainer = new Trainer({
    rank: 0,
    scenario,
    training: scenario.training!,
    storage,
    normalizer: scenario.normalizers[0]!,
    thread: new TrainingThread(),
    arrays: arraysIn(memory.buffer, 1024 + descriptions.byteLength, storage),
    kernels: await createWasmKernels(memory, descriptions),
    group: () => alone,
    world: () => alone,
    payload: refuse,
    enter() {},
  });
  const { network } = trainer;
  network.initialize();
  const task = network.task as ImageTask;
  let steps = 0;
  const load = ({ x, targets }: LabelledBatch): void => {
    task.input.values.set(x);
    task.targets.set(targets);
  };
  return {
    network,
    load,
    step(batch) {
      task.drawMicrobatch = () => load(batch);
      const { loss, tokens } = finish(trainer.step(steps++));
      return loss / tokens;
    },
    loss() {
      for (const layer of network.layers) finish(layer.forward("batch-statistics"));
      const { loss, tokens } = network.loss.evaluate();
      return loss / tokens;
    },
  };
}
