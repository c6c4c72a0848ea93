import { describe, expect, test } from "vitest";
import { countSchedule } from "../src/collectives/count.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import { everyCollective, request } from "./support/every-collective.ts";

const rankCounts = Array.from({ length: 64 }, (_, index) => index + 1);
const powersOfTwo = [1, 2, 4, 8, 16, 32, 64, 128];

/** What every entry of a per-rank array is; fails if they differ. */
function same(perRank: Float64Array): number {
  expect(new Set(perRank).size).toBe(1);
  return perRank[0]!;
}

// Oracles: closed forms of Thakur, Rabenseifner, Gropp (2005), doi 10.1177/1094342005051521, for n
// elements over P ranks; P' is the largest power of two <= P.
describe("the count", () => {
  test("of one rank is nothing", () => {
    for (const [operation, algorithm] of everyCollective) {
      expect(countSchedule(buildSchedule(operation, algorithm, request(1, 10))).messages).toBe(0);
    }
  });

  test("of what was sent is that of what was received", () => {
    const sum = (perRank: Float64Array) => perRank.reduce((total, value) => total + value, 0);
    for (const [operation, algorithm] of everyCollective) {
      for (const ranks of [2, 5, 8, 13]) {
        const count = countSchedule(buildSchedule(operation, algorithm, request(ranks, 29, 4)));
        expect(sum(count.messagesSent)).toBe(count.messages);
        expect(sum(count.messagesReceived)).toBe(count.messages);
        expect(sum(count.elementsSent)).toBe(count.elements);
        expect(sum(count.elementsReceived)).toBe(count.elements);
      }
    }
  });

  test("of a ring all-reduce is 2(P − 1) messages and 2(P − 1)n/P elements per rank, 2(P − 1)n in all", () => {
    for (const ranks of rankCounts) {
      const even = countSchedule(buildSchedule("all-reduce", "ring", request(ranks, 6 * ranks)));
      expect(same(even.messagesSent)).toBe(2 * (ranks - 1));
      expect(same(even.elementsSent)).toBe(2 * (ranks - 1) * 6);
      const uneven = countSchedule(buildSchedule("all-reduce", "ring", request(ranks, 6 * ranks + 5)));
      expect(uneven.elements).toBe(2 * (ranks - 1) * (6 * ranks + 5));
    }
  });

  test("of a ring all-reduce is its reduce-scatter followed by its all-gather", () => {
    for (const ranks of [2, 5, 16]) {
      const all = buildSchedule("all-reduce", "ring", request(ranks, 3 * ranks));
      const scatter = buildSchedule("reduce-scatter", "ring", request(ranks, 3 * ranks));
      const gather = buildSchedule("all-gather", "ring", request(ranks, 3));
      expect(all.stepCount).toBe(scatter.stepCount + gather.stepCount);
      for (const column of ["source", "target", "offset", "length", "reduces"] as const) {
        expect([...all[column]]).toEqual([...scatter[column], ...gather[column]]);
      }
    }
  });

  test("of recursive doubling is lg P whole vectors per rank", () => {
    for (const ranks of powersOfTwo) {
      const count = countSchedule(buildSchedule("all-reduce", "recursive-doubling", request(ranks, 10)));
      expect(same(count.messagesSent)).toBe(Math.log2(ranks));
      expect(same(count.elementsSent)).toBe(10 * Math.log2(ranks));
    }
  });

  test("of recursive doubling over P' + e ranks has e messages more before and after", () => {
    for (const [ranks, core, lgCore] of [
      [3, 2, 1],
      [6, 4, 2],
      [63, 32, 5],
    ] as const) {
      const count = countSchedule(buildSchedule("all-reduce", "recursive-doubling", request(ranks, 10)));
      expect(count.messages).toBe(core * lgCore + 2 * (ranks - core));
      expect(count.elements).toBe(10 * count.messages);
    }
  });

  test("of Rabenseifner's all-reduce is 2 lg P messages per rank and as many elements as a ring's", () => {
    for (const ranks of powersOfTwo) {
      const even = countSchedule(buildSchedule("all-reduce", "rabenseifner", request(ranks, 6 * ranks)));
      expect(same(even.messagesSent)).toBe(2 * Math.log2(ranks));
      expect(same(even.elementsSent)).toBe(2 * (ranks - 1) * 6);
      const uneven = countSchedule(
        buildSchedule("all-reduce", "rabenseifner", request(ranks, 6 * ranks + 5)),
      );
      expect(uneven.elements).toBe(2 * (ranks - 1) * (6 * ranks + 5));
    }
  });

  test("of Rabenseifner's all-reduce over P' + e ranks is 2(P' − 1)n + 2en elements", () => {
    for (const [ranks, core] of [
      [3, 2],
      [6, 4],
      [63, 32],
    ] as const) {
      const count = countSchedule(buildSchedule("all-reduce", "rabenseifner", request(ranks, 10)));
      expect(count.elements).toBe(2 * (core - 1) * 10 + 2 * (ranks - core) * 10);
    }
  });

  test("of two ranks is the same for a ring and for Rabenseifner: 2 messages, n elements per rank", () => {
    for (const algorithm of ["ring", "rabenseifner"] as const) {
      const count = countSchedule(buildSchedule("all-reduce", algorithm, request(2, 10)));
      expect([same(count.messagesSent), same(count.elementsSent)]).toEqual([2, 10]);
    }
  });

  test("of a binomial tree is 2(P − 1) whole vectors, ⌈lg P⌉ of them sent and as many got by the root", () => {
    for (const ranks of rankCounts) {
      const count = countSchedule(buildSchedule("all-reduce", "binomial-tree", request(ranks, 10)));
      expect(count.messages).toBe(2 * (ranks - 1));
      expect(count.elements).toBe(20 * (ranks - 1));
      expect(count.messagesSent[0]).toBe(Math.ceil(Math.log2(ranks)));
      expect(count.messagesReceived[0]).toBe(Math.ceil(Math.log2(ranks)));
    }
  });

  // Each tree has P − 1 edges; a rank interior in one tree (1 up, 2 down) is a leaf in the other (1 up).
  test("of a double binary tree is 4(P − 1) halves in 2⌈lg P⌉ steps, at most 2n elements sent by a rank", () => {
    for (const ranks of rankCounts.slice(1)) {
      const schedule = buildSchedule("all-reduce", "double-binary-tree", request(ranks, 10));
      const count = countSchedule(schedule);
      expect(schedule.stepCount).toBe(2 * Math.ceil(Math.log2(ranks)));
      expect(count.messages).toBe(4 * (ranks - 1));
      expect(count.elements).toBe(20 * (ranks - 1));
      expect(Math.max(...count.elementsSent)).toBeLessThanOrEqual(20);
    }
  });

  test("of two levels, N nodes of g ranks, is 2(g − 1) + 2(N − 1) messages per rank", () => {
    for (const [nodes, perNode] of [
      [1, 8],
      [4, 1],
      [2, 8],
      [3, 4],
    ] as const) {
      const ranks = nodes * perNode;
      const schedule = buildSchedule("all-reduce", "two-level", request(ranks, 6 * ranks, perNode));
      const count = countSchedule(schedule);
      expect(same(count.messagesSent)).toBe(2 * (perNode - 1) + 2 * (nodes - 1));
      // 2(g − 1)/g n inside, 2(N − 1)/N n/g between.
      const elements = 2 * (perNode - 1) * 6 * nodes + 2 * (nodes - 1) * 6;
      expect(same(count.elementsSent)).toBe(elements);
    }
  });

  test("of two levels on one node is that of a ring", () => {
    const twoLevel = buildSchedule("all-reduce", "two-level", request(6, 25, 8));
    expect({ ...twoLevel, algorithm: "ring" }).toEqual(
      buildSchedule("all-reduce", "ring", request(6, 25, 8)),
    );
  });

  test("of a star is one vector up and one down per rank", () => {
    const count = countSchedule(buildSchedule("all-reduce", "star", request(9, 10)));
    expect([...count.elementsSent]).toEqual([80, 10, 10, 10, 10, 10, 10, 10, 10]);
    expect([...count.elementsReceived]).toEqual([80, 10, 10, 10, 10, 10, 10, 10, 10]);
  });

  test("of a reduce-scatter is (P − 1)n elements, P − 1 or lg P messages per rank", () => {
    for (const ranks of powersOfTwo) {
      const ring = countSchedule(buildSchedule("reduce-scatter", "ring", request(ranks, 7 * ranks + 3)));
      expect(ring.elements).toBe((ranks - 1) * (7 * ranks + 3));
      expect(same(ring.messagesSent)).toBe(ranks - 1);
      const halving = countSchedule(
        buildSchedule("reduce-scatter", "recursive-halving", request(ranks, 7 * ranks + 3)),
      );
      expect(halving.elements).toBe((ranks - 1) * (7 * ranks + 3));
      expect(same(halving.messagesSent)).toBe(Math.log2(ranks));
    }
  });

  test("of an all-gather is P − 1 blocks per rank, in P − 1 messages by ring and ⌈lg P⌉ by Bruck", () => {
    for (const ranks of rankCounts) {
      const ring = countSchedule(buildSchedule("all-gather", "ring", request(ranks, 7)));
      expect(same(ring.messagesSent)).toBe(ranks - 1);
      expect(same(ring.elementsSent)).toBe(7 * (ranks - 1));
      const bruck = countSchedule(buildSchedule("all-gather", "bruck", request(ranks, 7)));
      expect(same(bruck.messagesSent)).toBe(Math.ceil(Math.log2(ranks)));
      expect(same(bruck.elementsSent)).toBe(7 * (ranks - 1));
    }
  });

  test("of an all-gather by recursive doubling is P − 1 blocks in lg P messages per rank", () => {
    for (const ranks of powersOfTwo) {
      const count = countSchedule(buildSchedule("all-gather", "recursive-doubling", request(ranks, 7)));
      expect(same(count.messagesSent)).toBe(Math.log2(ranks));
      expect(same(count.elementsSent)).toBe(7 * (ranks - 1));
    }
  });

  test("of a broadcast is one vector received by each other rank, ⌈lg P⌉ of them sent by the root", () => {
    for (const ranks of rankCounts) {
      const count = countSchedule(buildSchedule("broadcast", "binomial", request(ranks, 10)));
      expect(count.elements).toBe(10 * (ranks - 1));
      expect(count.messagesSent[0]).toBe(Math.ceil(Math.log2(ranks)));
      expect([...count.messagesReceived]).toEqual([0, ...Array(ranks - 1).fill(1)]);
    }
  });
});
