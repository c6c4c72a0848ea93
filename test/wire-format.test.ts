import { describe, expect, test } from "vitest";
import { blockStart } from "../src/collectives/schedule.ts";
import type { WireFormat } from "../src/scenario/number-format.ts";
import { roundToHalf } from "../src/scenario/number-format.ts";
import { measure, simulate } from "../src/simulate.ts";
import { runOnFabric } from "./support/in-process-fabric.ts";
import { scenarioFrom } from "./support/scenario.ts";

const elements = 7;

const arrayFor = (format: WireFormat, values: readonly number[]) =>
  ["float64", "int32", "int64"].includes(format) ? Float64Array.from(values) : Float32Array.from(values);

const rounds: Partial<Record<WireFormat, (value: number) => number>> = {
  float32: Math.fround,
  float16: (value) => roundToHalf(value, "float16"),
  bfloat16: (value) => roundToHalf(value, "bfloat16"),
};

/** Values of both signs whose low bits no half format holds. */
const contribution = (rank: number, element: number) =>
  Math.fround(((rank * 37 + element * 11) % 29) - 13 + (rank + 1) / 7 + element / 11);

for (const format of ["float64", "float32", "float16", "bfloat16"] as const) {
  const round = rounds[format] ?? ((value: number) => value);

  // Oracle: the documented order of a ring (block i from rank i + 1 round to rank i), each value rounded when
  // it is sent and after each addition, in plain loops. `own + incoming` commutes.
  test(`a ring all-reduce adds in ${format}`, () => {
    for (const ranks of [2, 3, 5]) {
      const payloads = Array.from({ length: ranks }, (_, rank) =>
        arrayFor(
          format,
          Array.from({ length: elements }, (_, element) => contribution(rank, element)),
        ),
      );
      runOnFabric(ranks, (communicator, rank) => communicator.allReduce(payloads[rank]!, { format }));
      for (let block = 0; block < ranks; block++) {
        const end = blockStart(block + 1, ranks, elements);
        for (let element = blockStart(block, ranks, elements); element < end; element++) {
          const inOrder = Array.from({ length: ranks }, (_, hop) => (block + 1 + hop) % ranks);
          const want = inOrder
            .map((rank) => round(contribution(rank, element)))
            .reduce((sum, value) => round(sum + value));
          for (const payload of payloads) expect(payload[element], `${ranks} ranks`).toBe(want);
        }
      }
    }
  });
}

test("what is gathered, broadcast and scattered arrives in the wire's format", () => {
  // Oracle: by hand; 1.00390625 = 1 + 2^-8 is a tie between two bfloat16 numbers, 1 is the even one.
  const value = 1 + 2 ** -8;
  const gathered: number[][] = [];
  const blocks: number[][] = [];
  const copies = [0, 1].map(() => Float32Array.of(value, value));
  runOnFabric(2, function* (communicator, rank) {
    const wire = { format: "bfloat16" } as const;
    gathered.push([...(yield* communicator.allGather(Float32Array.of(value + rank), wire))]);
    yield* communicator.broadcast(copies[rank]!, wire);
    blocks.push([...(yield* communicator.reduceScatter(Float32Array.of(value, value), wire))]);
  });
  expect(gathered).toEqual([
    [1, 2],
    [1, 2],
  ]);
  expect(copies.map((copy) => [...copy])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(blocks).toEqual([[2], [2]]);
});

test("counts beyond float32 travel exactly as integers, of 4 or 8 bytes", () => {
  const counts = [2 ** 24 + 1, 1];
  for (const [format, bytes] of [
    ["int32", 4],
    ["int64", 8],
  ] as const) {
    const payloads = counts.map((count) => Float64Array.of(count));
    const ledgers = runOnFabric(2, (communicator, rank) =>
      communicator.allReduce(payloads[rank]!, { format }),
    );
    expect(payloads.map((payload) => payload[0])).toEqual([2 ** 24 + 2, 2 ** 24 + 2]);
    // A ring of 2 ranks sends one element twice.
    const sent = ledgers.flat().reduce((sum, { bytesSent }) => sum + bytesSent, 0);
    expect(sent).toBe(2 * bytes);
  }
  expect(() =>
    runOnFabric(2, (communicator) => communicator.allReduce(Float64Array.of(0.5), { format: "int32" })),
  ).toThrow("0.5 is no int32");
});

describe("a scenario's payload", () => {
  const fields = {
    mesh: { data: 3 },
    data: { source: "gaussian", samples: 4, channels: 5, mean: 1 },
    normalizers: [
      { name: "gathered", type: "batch-norm", group: "world" },
      { name: "merged", type: "batch-norm", group: "world", implementation: "all-reduce-moments" },
    ],
  };

  // Oracle: the closed forms of the payloads, (2C + 1) or 3C values forward and 2C backward.
  test.each([
    ["float64", 8],
    ["float32", 4],
    ["float16", 2],
    ["bfloat16", 2],
  ] as const)("%s costs %d bytes a value, whatever the storage", async (payload, bytes) => {
    for (const storage of ["float32", "float64"]) {
      const report = await simulate(scenarioFrom({ ...fields, storage, payload }));
      const [gathered, merged] = report.normalizers.map(({ communication }) => communication);
      expect(gathered!.forward.payloadBytesPerRank).toBe((2 * 5 + 1) * bytes);
      expect(gathered!.forward.wireBytes).toBe(3 * 2 * (2 * 5 + 1) * bytes);
      expect(gathered!.backward.payloadBytesPerRank).toBe(2 * 5 * bytes);
      expect(merged!.forward.payloadBytesPerRank).toBe(3 * 5 * bytes);
      expect(report.scenario.payload).toBe(payload);
    }
  });

  // Oracle: bits. A rank's mean cannot be finer than the wire: on one value a channel, what was gathered
  // is x itself, rounded.
  test("rounds what is gathered", async () => {
    const seen: Float64Array[] = [];
    const scenario = scenarioFrom({
      ...fields,
      data: { ...fields.data, samples: [1, 0, 0] },
      payload: "bfloat16",
    });
    let x: Float32Array | undefined;
    await measure(scenario, {
      onPass({ ranks, normalizer }) {
        if (normalizer > 0) return;
        x = ranks[0]!.x.slice() as Float32Array;
        seen.push(...ranks.map(({ used }) => used.mean.slice(0, 5)));
      },
    });
    for (const mean of seen)
      expect([...mean]).toEqual([...x!].map((value) => roundToHalf(value, "bfloat16")));
  });

  test("that is the storage changes no bit of the report", async () => {
    for (const storage of ["float32", "float64"]) {
      const implicit = await simulate(scenarioFrom({ ...fields, storage }));
      const explicit = await simulate(scenarioFrom({ ...fields, storage, payload: storage }));
      expect(JSON.stringify(explicit)).toBe(JSON.stringify(implicit));
    }
  });
});
