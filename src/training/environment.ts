import type { Communicator } from "../collectives/communicator.ts";
import type { Extent, IndexSets } from "../kernels/index-sets.ts";
import { indexSetsOf } from "../kernels/index-sets.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { RankView, SetShape } from "../normalizers/operator.ts";
import type { NormalizerSpec, Scenario, Storage } from "../scenario/scenario.ts";
import type { TrainingSpec } from "../scenario/training.ts";
import type { ImageCache } from "./image-task.ts";
import type { ArraySource } from "./layer-context.ts";

/** What a thread's networks share. */
export class TrainingThread {
  readonly images: ImageCache = new Map();
  readonly #indexSets = new Map<string, IndexSets>();

  /** Different index sets asked for: the descriptions that the kernels need room for. */
  get indexSetCount(): number {
    return this.#indexSets.size;
  }

  /** See LayerContext. */
  readonly indexSets = (extent: Extent, shape: Pick<SetShape, "reduces" | "channelGroups">): IndexSets => {
    const { samples, channels, positions } = extent;
    const key = [samples, channels, positions, shape.channelGroups, ...shape.reduces].join();
    let sets = this.#indexSets.get(key);
    if (sets === undefined) {
      sets = indexSetsOf(extent, shape.reduces, shape.channelGroups);
      this.#indexSets.set(key, sets);
    }
    return sets;
  };
}

/** What a rank does between two waits, as it tells the engine. */
export type TrainingPhase = "data" | "forward" | "backward" | "updating" | "evaluating";

/** One rank as its trainer sees it: the engine behind it is real memory and real peers, or nothing, to measure. */
export interface TrainingEnvironment {
  readonly rank: number;
  readonly scenario: Pick<Scenario, "seed" | "data">;
  readonly training: TrainingSpec;
  readonly storage: Storage;
  readonly normalizer: NormalizerSpec;
  readonly thread: TrainingThread;
  readonly arrays: ArraySource;
  readonly kernels: Kernels;
  /** Of the normaliser's group, for one pass. */
  group(): Communicator;
  /** Of all ranks, for one pass. */
  world(): Communicator;
  readonly payload: RankView["payload"];
  /** Say what comes next. */
  enter(trainingStep: number, phase: TrainingPhase): void;
}
