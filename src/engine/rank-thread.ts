import { AssertionError } from "../assert.ts";
import type { Progress } from "../collectives/communicator.ts";
import { reductionOrderOf } from "../collectives/reduction-order.ts";
import { RankError } from "../errors.ts";
import type { BlockKernels } from "../kernels/blocks.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { momentKernels } from "../kernels/moment-kernels.ts";
import { createWasmKernels, type KernelMemory } from "../kernels/wasm.ts";
import {
  byRank,
  dataParallelGroups,
  type Group,
  groupsOf,
  holdersByRank,
  worldOf,
} from "../normalizers/group.ts";
import { type Layout, layoutOf, layoutsOf } from "../scenario/mesh.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { TrainingThread } from "../training/environment.ts";
import type { ForwardMode } from "../training/layer.ts";
import type { ArenaPlan } from "./arena-plan.ts";
import { controlView, landingView, outboxView, rankViews, scratchView, wholeViews } from "./arena-views.ts";
import { Catalogue } from "./catalogue.ts";
import { type Control, threadWords } from "./control.ts";
import { callerOf } from "./discord.ts";
import { Endpoint } from "./endpoint.ts";
import { runPrograms, type Sleeper } from "./executor.ts";
import type { Fabric } from "./fabric.ts";
import { delayStart } from "./fault.ts";
import { GroupTable } from "./group-table.ts";
import { Landing } from "./landing.ts";
import { microstepOf } from "./microstep.ts";
import type { ExchangeResult, PassResult } from "./pass-result.ts";
import { describePlace } from "./place.ts";
import { Rank } from "./rank.ts";
import { Rendezvous } from "./rendezvous.ts";
import type { RankEnds, ThreadContext } from "./thread-context.ts";
import { TrainingRank, type TrainingResult } from "./training-rank.ts";
import type { Workload } from "./workload.ts";

/** What a thread is told before it starts: plain data and the shared memory. */
export interface ThreadSetup {
  readonly workload: Workload;
  readonly plan: ArenaPlan;
  readonly memory: KernelMemory;
  readonly thread: number;
}

/** The ranks of one thread. Each call works on all of them and returns when all are done. */
export interface RankThread {
  /** Make the ranks' microbatches of this number (unless they were loaded) and observe their moments. */
  prepare(microbatch: number): void;
  /** Run one normaliser, forward and maybe backward, and compare with the whole batch. */
  pass(normalizer: number, microbatch: number): PassResult[];
  /** Let ranks exchange the running statistics that one normaliser evaluates with. */
  exchange(normalizer: number, microbatch: number): ExchangeResult[];
  /** Train with a normaliser for some steps; from the start at step 0. */
  train(normalizer: number, firstStep: number, stepCount: number): TrainingResult[];
  /** Evaluate what has been trained so far on the first batches of the test set. */
  evaluate(trainingStep: number, batchCount: number, mode: ForwardMode): TrainingResult[];
}

/** What a thread needs from where it runs. */
export interface ThreadHost extends Sleeper {
  /** End the thread at once. */
  exit(): void;
  /** Ranks' ways to peers that do not share this memory; default: the fabric. */
  endsOf?(rank: number): RankEnds;
}

/** Start the ranks of one thread over the shared memory. */
export async function createRankThread(setup: ThreadSetup, host: ThreadHost): Promise<RankThread> {
  const { workload, plan, memory, thread } = setup;
  const block = plan.blocks[thread]!;
  const area = plan.threadAreas[thread]!;
  const descriptions = new Int32Array(memory.buffer, area.descriptions, plan.descriptionBytes / 4);
  const compiled = await createWasmKernels(memory, descriptions);
  const kernels = workload.isOfMoments ? momentKernels(compiled) : compiled;
  const control = controlView(memory, plan, workload);
  const fabric = fabricOf(setup, control, kernels, compiled.blocks);
  const { normalizers, cluster, mesh } = workload.scenario;
  const groups = normalizers.map((spec) => byRank(groupsOf(spec, mesh, cluster.gpusPerNode)));
  const ends = endsOf(setup, fabric, host);
  const run = <T extends { readonly rank: number }>(
    ranks: readonly T[],
    program: (rank: T) => Progress<void>,
  ): void => {
    const programs = ranks.map((rank) => ({ rank: rank.rank, program: program(rank) }));
    runPrograms(programs, fabric, host, (rank, cause) => {
      const what = cause instanceof Error ? cause.message : String(cause);
      return new RankError(rank, describePlace(control.placeOf(rank), workload.scenario), what, { cause });
    });
  };
  if (workload.trainingNeeds !== null) {
    const thread = new TrainingThread();
    const world = worldOf(workload.worldSize);
    const context = { workload, plan, memory, fabric, kernels, groups, world, thread, exit: host.exit };
    return trainingCalls(
      ends.map((own, i) => new TrainingRank(block.first + i, context, own)),
      run,
    );
  }
  const context: ThreadContext = {
    workload,
    fabric,
    kernels,
    whole: wholeViews(memory, plan, workload),
    groups,
    dataParallelGroups: byRank(dataParallelGroups(mesh)),
    holders: normalizers.map((spec) => holdersByRank(spec, mesh)),
    viewsOf: (rank) => rankViews(memory, plan, workload, rank, "sharded"),
    scratch: scratchView(memory, plan, workload, thread),
    exit: host.exit,
  };
  const ranksOf = (layout: Layout): Rank[] =>
    ends.map((own, i) => {
      const rank = block.first + i;
      return new Rank(rank, context, rankViews(memory, plan, workload, rank, layout), own);
    });
  const ranks = new Map(layoutsOf(normalizers).map((layout) => [layout, ranksOf(layout)]));
  return passCalls(ranks, workload.scenario, run);
}

/** How the thread's ranks meet their peers. */
function endsOf({ workload, plan, thread }: ThreadSetup, fabric: Fabric, host: ThreadHost): RankEnds[] {
  const { first, count } = plan.blocks[thread]!;
  const { faults } = workload.scenario;
  const { control } = fabric;
  const groups = new GroupTable(workload.scenario);
  return Array.from({ length: count }, (_, i) => {
    const rank = first + i;
    control.words[control.threadWord(thread, threadWords.currentRank)] = rank;
    delayStart(faults, rank);
    if (host.endsOf !== undefined) return host.endsOf(rank);
    const endpoint = new Endpoint(fabric, rank);
    return { endpoint, caller: callerOf(rank, { fabric, groups, faults }, endpoint) };
  });
}

/**
 * What the ends of a thread share; all that takes long to work out is, because a deadline runs once ranks do. Threads meet;
 * one that has all ranks sends every message, so that whatever compares threads with one process compares both ways.
 */
function fabricOf(
  { workload, plan, memory, thread }: ThreadSetup,
  control: Control,
  kernels: Kernels,
  blocks: BlockKernels,
): Fabric {
  const block = plan.blocks[thread]!;
  const isLocal = (rank: number): boolean => rank >= block.first && rank < block.first + block.count;
  const localMembers = (group: Group): number => group.ranks.filter(isLocal).length;
  const threadOfRank = plan.blocks.flatMap(({ count }, index) => new Array<number>(count).fill(index));
  const scratch = plan.threadAreas[thread]!.fold;
  const meets = plan.blocks.length > 1;
  const catalogue = new Catalogue(workload.scenario);
  for (const { shape, ranks } of plan.collectives) {
    const { schedule } = catalogue.plan(shape, ranks);
    if (meets && shape.operation === "all-reduce") reductionOrderOf(schedule);
  }
  const slots = plan.ranks.map((offsets) => offsets.slots);
  const place = { control, threadOfRank, thread, blocks, scratch, slots, slotBytes: plan.slotBytes };
  return {
    control,
    kernels,
    catalogue,
    landing: new Landing(landingView(memory, plan, thread), control, localMembers),
    payload: workload.payload,
    outboxes: workload.samples.map((_, rank) => outboxView(memory, plan, rank)),
    threadOfRank,
    thread,
    rendezvous: meets ? new Rendezvous(place) : null,
    movements: 0,
  };
}

type Run = <T extends { readonly rank: number }>(
  ranks: readonly T[],
  program: (rank: T) => Progress<void>,
) => void;

const refuse = (): never => {
  throw new AssertionError("a run either trains a network or looks at single passes");
};

function passCalls(ranks: ReadonlyMap<Layout, readonly Rank[]>, scenario: Scenario, run: Run): RankThread {
  return {
    train: refuse,
    evaluate: refuse,
    prepare(index) {
      const microstep = microstepOf(index, scenario);
      for (const ofLayout of ranks.values()) run(ofLayout, (rank) => rank.prepare(microstep));
    },
    pass(normalizer, index) {
      const results: PassResult[] = [];
      const ofLayout = ranks.get(layoutOf(scenario.normalizers[normalizer]!))!;
      const microstep = microstepOf(index, scenario);
      run(ofLayout, (rank) => rank.pass(normalizer, microstep, (result) => results.push(result)));
      return results;
    },
    exchange(normalizer, index) {
      const results: ExchangeResult[] = [];
      const ofLayout = ranks.get(layoutOf(scenario.normalizers[normalizer]!))!;
      const microstep = microstepOf(index, scenario);
      run(ofLayout, (rank) => rank.exchange(normalizer, microstep, (result) => results.push(result)));
      return results;
    },
  };
}

/** All ranks of the thread end a step before one begins the next, as landing areas were planned for one step. */
function trainingCalls(ranks: readonly TrainingRank[], run: Run): RankThread {
  return {
    prepare: refuse,
    pass: refuse,
    exchange: refuse,
    train(normalizer, firstStep, stepCount) {
      if (firstStep === 0) for (const rank of ranks) rank.begin(normalizer);
      for (let step = firstStep; step < firstStep + stepCount; step++) run(ranks, (rank) => rank.step(step));
      return ranks.map((rank) => rank.report());
    },
    evaluate(trainingStep, batchCount, mode) {
      for (let batch = 0; batch < batchCount; batch++)
        run(ranks, (rank) => rank.test(trainingStep, batch, mode));
      return ranks.map((rank) => rank.report());
    },
  };
}
