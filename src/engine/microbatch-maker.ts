import type { Kernels } from "../kernels/kernels.ts";
import { isFileSource } from "../scenario/data-source.ts";
import { isHalf } from "../scenario/number-format.ts";
import { fillShard, fillShardGradient } from "../scenario/shard-fill.ts";
import { driftedSource } from "../scenario/synthetic.ts";
import type { RankViews } from "./arena-views.ts";
import type { Microstep } from "./microstep.ts";
import { SpoiledValues } from "./spoiled-values.ts";
import type { Workload } from "./workload.ts";

/** Makes one rank's microbatches, in the storage format. */
export class MicrobatchMaker {
  readonly #rank: number;
  readonly #workload: Workload;
  readonly #kernels: Kernels;
  readonly #views: RankViews;
  readonly #spoiled: SpoiledValues;

  constructor(rank: number, workload: Workload, kernels: Kernels, views: RankViews) {
    this.#rank = rank;
    this.#workload = workload;
    this.#kernels = kernels;
    this.#views = views;
    this.#spoiled = new SpoiledValues(workload.scenario.faults, rank);
  }

  /** Write x, dy and the mask, but for what files gave. Returns how many numbers were too large for the storage. */
  make({ index, trainingStep, isFirstOfStep }: Microstep): number {
    const { scenario, storage, makesGradients } = this.#workload;
    const { x, dy, mask, extent, layout } = this.#views;
    const { data, seed, mesh } = scenario;
    const batch = { ...extent, x, dy, mask };
    const { normals } = this.#kernels;
    this.#spoiled.restore(x);
    if (!isFileSource(data))
      fillShard(driftedSource(data, trainingStep), seed, mesh, this.#rank, index, batch, layout, normals);
    else if (makesGradients)
      fillShardGradient(this.#workload, seed, mesh, this.#rank, index, batch, layout, normals);
    const round = (values: RankViews["x"]): number =>
      isHalf(storage) ? this.#kernels.roundToHalf(values, storage) : 0;
    const overflows = round(x) + round(dy);
    if (isFirstOfStep) this.#spoiled.apply(trainingStep, x, extent);
    return overflows;
  }
}
