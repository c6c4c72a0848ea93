import { assert } from "../assert.ts";
import { ScenarioError } from "../errors.ts";
import { writeMoments } from "../kernels/moment-kernels.ts";
import { createKernelMemory, type KernelMemory, memoryBytesMaximum } from "../kernels/wasm.ts";
import { type Layout, layoutsOf } from "../scenario/mesh.ts";
import type { NpyBatches } from "../scenario/npy-source.ts";
import { type ArenaPlan, planArena } from "./arena-plan.ts";
import { controlView, type RankViews, rankViews, type WholeViews, wholeViews } from "./arena-views.ts";
import { Catalogue } from "./catalogue.ts";
import type { Control } from "./control.ts";
import type { Held } from "./held.ts";
import type { RankBlock } from "./placement.ts";
import { copyToLayout } from "./relayout.ts";
import type { Workload } from "./workload.ts";

/** What files gave of a scenario's data. */
export type Loaded = Pick<NpyBatches, "x" | "dy" | "mask" | "moments">;

/** The memory of a run, filled with all that is known before it begins. */
export interface Arena {
  readonly catalogue: Catalogue;
  readonly plan: ArenaPlan;
  readonly memory: KernelMemory;
  /** Of every layout: the ranks whose results are held, ascending. None where a network is trained. */
  readonly layouts: ReadonlyMap<Layout, readonly RankViews[]>;
  readonly whole: WholeViews;
  readonly control: Control;
  /** To be called before a microbatch is prepared. */
  loadMoments(microbatch: number): void;
}

/**
 * Lay out memory for the ranks that are held here, and fill in constants and what files gave.
 *
 * @throws ScenarioError if it is more than one memory.
 */
export function createArena(
  workload: Workload,
  blocks: readonly RankBlock[],
  held: Held,
  loaded?: Loaded,
): Arena {
  const { scenario, trainingNeeds } = workload;
  const catalogue = new Catalogue(scenario);
  const plan = planArena(workload, catalogue, blocks, held);
  refuseTooLarge(plan, workload);
  const memory = createKernelMemory(plan.totalBytes);
  const { first, count } = held.results;
  const all = trainingNeeds === null ? layoutsOf(scenario.normalizers) : [];
  const layouts = new Map(
    all.map((layout) => [
      layout,
      Array.from({ length: count }, (_, i) => rankViews(memory, plan, workload, first + i, layout)),
    ]),
  );
  const whole = wholeViews(memory, plan, workload);
  if (trainingNeeds === null) fillConstants(whole, workload);
  const sharded = layouts.get("sharded") ?? [];
  if (loaded !== undefined && loaded.moments === undefined) {
    copyLoaded(sharded, first, loaded);
    for (const target of layouts.values())
      if (target !== sharded) copyToLayout(scenario.mesh, sharded, target);
  }
  return {
    catalogue,
    plan,
    memory,
    layouts,
    whole,
    control: controlView(memory, plan, workload),
    loadMoments(microbatch) {
      const ofRanks = loaded?.moments?.[microbatch];
      if (ofRanks !== undefined)
        for (const [i, views] of sharded.entries()) writeMoments(views.x, ofRanks[first + i]!);
    },
  };
}

function refuseTooLarge(plan: ArenaPlan, workload: Workload): void {
  if (plan.totalBytes <= memoryBytesMaximum) return;
  const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const message =
    `needs ${gibibytes(plan.totalBytes)} of shared memory for ${workload.worldSize} ranks, ` +
    `and one simulation has ${gibibytes(memoryBytesMaximum)}; use fewer ranks, samples, channels or positions`;
  throw new ScenarioError([{ file: workload.scenario.name, path: "data", message }]);
}

function fillConstants(whole: WholeViews, { scenario, channels }: Workload): void {
  whole.ones.fill(1);
  for (const [index, spec] of scenario.normalizers.entries()) {
    for (const [target, value] of [
      [whole.weight[index]!, spec.weight],
      [whole.bias[index]!, spec.bias],
    ] as const) {
      if (typeof value === "number") target.fill(value);
      else {
        assert(value.length === channels, `${value.length} weights or biases for ${channels} channels`);
        target.set(value);
      }
    }
  }
}

function copyLoaded(ranks: readonly RankViews[], first: number, loaded: Loaded): void {
  for (const [i, views] of ranks.entries()) {
    const rank = first + i;
    views.x.set(loaded.x[rank]!);
    if (loaded.dy !== null) views.dy.set(loaded.dy[rank]!);
    if (loaded.mask !== null) views.mask?.set(loaded.mask[rank]!);
  }
}
