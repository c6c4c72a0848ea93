import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { allGatherAlgorithms, allReduceAlgorithms } from "../src/collectives/algorithms.ts";
import type { Progress } from "../src/collectives/communicator.ts";
import type { LedgerEntry } from "../src/collectives/ledger.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import { reductionOrderOf } from "../src/collectives/reduction-order.ts";
import { ScheduleBuilder } from "../src/collectives/schedule.ts";
import { Endpoint } from "../src/engine/endpoint.ts";
import { runPrograms } from "../src/engine/executor.ts";
import { wireArray } from "../src/engine/wire-array.ts";
import type { FloatArray } from "../src/kernels/kernels.ts";
import { createRandomStream } from "../src/scenario/random.ts";
import { type SharedPlan, sharedFabric, sharedMemory } from "./support/shared-fabric.ts";

// Oracle: the executor that sends every message of the schedule through outboxes. What ranks end with has the same bits, and
// the ledger the same messages, whether or not they met.

interface Case {
  readonly operation: "all-reduce" | "all-gather";
  readonly algorithm: string;
  readonly ranks: number;
  readonly elements: number;
  readonly format: "float32" | "float64" | "bfloat16";
}

const stream = createRandomStream({ seed: 11, purpose: "orders", rank: "all", trainingStep: 0 });
/** Of magnitudes so different that every order of addition gives other bits. */
const values = Array.from({ length: 4096 }, () => stream.normal() * 2 ** Math.floor(24 * stream.uniform()));

const hashOf = ({ buffer, byteOffset, byteLength }: FloatArray): string =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

/** Collectives after the first one: as many as slots are written again after, and one more. */
const rounds = 4;

/** Several collectives after a first one (which is sampled, and goes by messages) on two threads, which this one runs in turns. */
async function resultOf({ operation, algorithm, ranks, elements, format }: Case, meets: boolean) {
  const key = operation === "all-reduce" ? "allReduce" : "allGather";
  const bytes = 8 * elements * (operation === "all-gather" ? ranks : 1) * ranks;
  const plan: SharedPlan = {
    ranks,
    threads: Math.min(2, ranks),
    payloadBytes: 8 * elements,
    outboxBytes: bytes,
    landingBytes: 2 * bytes,
    algorithms: { [key]: algorithm },
  };
  const memory = sharedMemory(plan);
  const threads = await Promise.all(
    Array.from({ length: plan.threads }, (_, thread) => sharedFabric(memory, plan, thread)),
  );
  const group = { index: 0, ranks: Array.from({ length: ranks }, (_, rank) => rank) };
  const ends: { readonly bits: readonly string[]; readonly entries: readonly LedgerEntry[] }[] = [];
  function* program(rank: number, endpoint: Endpoint, area: Uint8Array): Progress<void> {
    const communicator = endpoint.communicator(group, 0, 0);
    const payload = wireArray(area, format, 0, elements);
    yield* communicator.allReduce(payload.subarray(0, 1), { format });
    const bits: string[] = [];
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < elements; i++)
        payload[i] = values[(rank * 131 + round * 517 + i * 7) % values.length]!;
      let end: FloatArray = payload;
      if (operation === "all-reduce") yield* communicator.allReduce(payload, { format });
      else end = yield* communicator.allGather(payload, { format });
      bits.push(hashOf(end));
    }
    ends[rank] = { bits, entries: endpoint.ledger.slice(1) };
  }
  const programs = group.ranks.map((rank) => {
    const { fabric, payload } = threads[threads[0]!.fabric.threadOfRank[rank]!]!;
    const endpoint = new Endpoint(meets ? fabric : { ...fabric, rendezvous: null }, rank);
    return { rank, program: program(rank, endpoint, payload(rank)) };
  });
  runPrograms(programs, threads[0]!.fabric, { sleep: () => true }, (_, error) => error as Error);
  return ends;
}

describe("ranks that meet end with the bits of messages, which the ledger counts", () => {
  const algorithms = [
    ...allReduceAlgorithms.map((algorithm) => ({ operation: "all-reduce" as const, algorithm })),
    ...allGatherAlgorithms.map((algorithm) => ({ operation: "all-gather" as const, algorithm })),
  ];
  for (const { operation, algorithm } of algorithms) {
    test(`${operation} by ${algorithm}`, async () => {
      for (const ranks of [1, 2, 3, 8, 13]) {
        if (algorithm === "recursive-doubling" && operation === "all-gather" && ranks % 2 === 1) continue;
        for (const elements of [1, 5, 129, 2500]) {
          for (const format of ["float32", "float64", "bfloat16"] as const) {
            const one = { operation, algorithm, ranks, elements, format };
            if (elements === 2500 && (ranks > 3 || format !== "float32")) continue;
            expect(await resultOf(one, true), JSON.stringify(one)).toEqual(await resultOf(one, false));
          }
        }
      }
    });
  }
});

test("the order of a sum is that of the schedule, for every element", () => {
  // Oracle: by hand. Block i of a ring of three begins on rank i + 1 and goes round.
  const order = reductionOrderOf(
    buildSchedule("all-reduce", "ring", { ranks: 3, payloadElements: 6, ranksPerNode: 8 }),
  )!;
  const written = (sum: number): string => {
    const operands = order.sums.operandsOf(sum);
    return operands === undefined ? `${sum}` : `(${operands.map(written).join("+")})`;
  };
  expect([...order.starts]).toEqual([0, 2, 4, 6]);
  expect([...order.roots].map(written)).toEqual(["(0+(1+2))", "(1+(0+2))", "(2+(0+1))"]);
});

test("a schedule that adds in other orders on other ranks has none", () => {
  const builder = new ScheduleBuilder();
  for (const [source, target] of [
    [0, 1],
    [1, 2],
    [2, 0],
  ] as const)
    builder.send(source, target, 0, 1, "reduce");
  builder.endStep();
  for (const [source, target] of [
    [0, 2],
    [1, 0],
    [2, 1],
  ] as const)
    builder.send(source, target, 0, 1, "reduce");
  builder.endStep();
  expect(reductionOrderOf(builder.build("all-reduce", "by hand", 3, 1))).toBeNull();
});
