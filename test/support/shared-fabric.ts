import { Catalogue } from "../../src/engine/catalogue.ts";
import { Control, controlBytes } from "../../src/engine/control.ts";
import type { Fabric } from "../../src/engine/fabric.ts";
import { foldBytes } from "../../src/engine/fold-program.ts";
import { GroupTable } from "../../src/engine/group-table.ts";
import { Landing } from "../../src/engine/landing.ts";
import { slotsPerRank } from "../../src/engine/party.ts";
import { placeRanks } from "../../src/engine/placement.ts";
import { Rendezvous } from "../../src/engine/rendezvous.ts";
import type { BlockKernels } from "../../src/kernels/blocks.ts";
import {
  createKernelMemory,
  createWasmKernels,
  descriptionBytes,
  type KernelMemory,
} from "../../src/kernels/wasm.ts";
import { scenarioFrom } from "./scenario.ts";

/** What a memory for the collectives of one group holds: plain data. */
export interface SharedPlan {
  readonly ranks: number;
  readonly threads: number;
  /** Bytes of each rank's payload, of each half of its outbox, and of what a thread gathers. */
  readonly payloadBytes: number;
  readonly outboxBytes: number;
  readonly landingBytes: number;
  /** Of the scenario. */
  readonly algorithms?: Readonly<Record<string, string>>;
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;
const start = 4096;

function layOut({ ranks, threads, payloadBytes, outboxBytes, landingBytes }: SharedPlan) {
  const control = aligned(controlBytes(ranks, threads));
  const slots = aligned(payloadBytes) + aligned(2 * outboxBytes);
  const perRank = slots + slotsPerRank * aligned(payloadBytes);
  const descriptions = aligned(descriptionBytes(1));
  const perThread = foldBytes + descriptions + aligned(landingBytes);
  const firstThread = start + control + ranks * perRank;
  return {
    totalBytes: firstThread + threads * perThread,
    payload: (rank: number) => start + control + rank * perRank,
    outbox: (rank: number) => start + control + rank * perRank + aligned(payloadBytes),
    slots: (rank: number) => start + control + rank * perRank + slots,
    slotBytes: aligned(payloadBytes),
    fold: (thread: number) => firstThread + thread * perThread,
    descriptions: (thread: number) => firstThread + thread * perThread + foldBytes,
    landing: (thread: number) => firstThread + thread * perThread + foldBytes + descriptions,
  };
}

/** Memory for a plan. */
export function sharedMemory(plan: SharedPlan): KernelMemory {
  return createKernelMemory(layOut(plan).totalBytes);
}

/** What one thread has of a memory. */
export interface SharedThread {
  readonly fabric: Fabric;
  readonly groups: GroupTable;
  readonly blocks: BlockKernels;
  /** Where a rank keeps its payload. */
  readonly payload: (rank: number) => Uint8Array;
}

/** The fabric of one thread. */
export async function sharedFabric(
  memory: KernelMemory,
  plan: SharedPlan,
  thread: number,
): Promise<SharedThread> {
  const { ranks, threads, algorithms = {} } = plan;
  const blocks = placeRanks(ranks, threads);
  const layout = layOut(plan);
  const bytes = (at: number, length: number): Uint8Array => new Uint8Array(memory.buffer, at, length);
  const control = new Control(
    new Int32Array(memory.buffer, start, controlBytes(ranks, threads) / 4),
    ranks,
    threads,
  );
  const descriptions = new Int32Array(memory.buffer, layout.descriptions(thread), descriptionBytes(1) / 4);
  const kernels = await createWasmKernels(memory, descriptions);
  const scenario = scenarioFrom({
    mesh: { data: ranks },
    data: { source: "gaussian", samples: 1, channels: 1 },
    normalizers: [{ type: "batch-norm", group: "world" }],
    algorithms,
  });
  const threadOfRank = blocks.flatMap(({ count }, index) => new Array<number>(count).fill(index));
  const scratch = layout.fold(thread);
  const slots = Array.from({ length: ranks }, (_, rank) => layout.slots(rank));
  const place = { control, threadOfRank, thread, blocks: kernels.blocks, scratch, slots };
  const fabric: Fabric = {
    control,
    kernels,
    catalogue: new Catalogue(scenario),
    landing: new Landing(
      bytes(layout.landing(thread), plan.landingBytes),
      control,
      () => blocks[thread]!.count,
    ),
    payload: "float32",
    outboxes: Array.from({ length: ranks }, (_, rank) => bytes(layout.outbox(rank), 2 * plan.outboxBytes)),
    threadOfRank,
    thread,
    rendezvous: new Rendezvous({ ...place, slotBytes: layout.slotBytes }),
    movements: 0,
  };
  return {
    fabric,
    groups: new GroupTable(scenario),
    blocks: kernels.blocks,
    payload: (rank) => bytes(layout.payload(rank), plan.payloadBytes),
  };
}
