import { describe, expect, test } from "vitest";
import { type AllReduceAlgorithm, allReduceAlgorithms } from "../src/collectives/algorithms.ts";
import { buildSchedule } from "../src/collectives/plan.ts";
import { blockStart } from "../src/collectives/schedule.ts";
import { everyCollective, request } from "./support/every-collective.ts";
import { executeSchedule } from "./support/execute-schedule.ts";

const rankCounts = [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17, 31, 32, 33];

/** Unit roundoff of float64. */
const u = 2 ** -53;

/** γ_k = ku / (1 − ku): k additions in a row lose at most γ_k Σ|x| (Higham 2002, section 3.1). */
const gamma = (k: number) => (k * u) / (1 - k * u);

const lg = (ranks: number) => Math.ceil(Math.log2(ranks));

/** Additions on the longest way from one contribution to the sum. */
const depth: Record<AllReduceAlgorithm, (ranks: number) => number> = {
  ring: (ranks) => ranks - 1,
  star: (ranks) => ranks - 1,
  "recursive-doubling": lg,
  rabenseifner: lg,
  "binomial-tree": lg,
  // ⌈lg P⌉ levels, two children each.
  "double-binary-tree": (ranks) => Math.min(ranks - 1, 2 * lg(ranks)),
  // Nodes of 4 ranks: a ring inside, a ring between.
  "two-level": (ranks) => Math.min(ranks, 4) - 1 + Math.ceil(ranks / 4) - 1,
};

/** Values of both signs that differ by up to 2^40 in size, all multiples of 2^-20. */
function drawVectors(ranks: number, elements: number, seed: number): Float64Array[] {
  let state = seed >>> 0;
  const draw = () => {
    // Numerical Recipes' linear congruential generator.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const value = () => (draw() - 2 ** 31) * 2 ** ((draw() >>> 8) % 41) * 2 ** -20;
  return Array.from({ length: ranks }, () => Float64Array.from({ length: elements }, value));
}

function allReduce(algorithm: AllReduceAlgorithm, vectors: readonly Float64Array[]): Float64Array[] {
  const results = vectors.map((vector) => vector.slice());
  const elements = vectors[0]!.length;
  executeSchedule(buildSchedule("all-reduce", algorithm, request(vectors.length, elements, 4)), results);
  return results;
}

/** `value` as an exact multiple of 2^-20. */
const exact = (value: number) => BigInt(value * 2 ** 20);

const sumOf = (vectors: readonly Float64Array[], element: number) =>
  vectors.reduce((sum, vector) => sum + vector[element]!, 0);
const magnitudeOf = (vectors: readonly Float64Array[], element: number) =>
  vectors.reduce((sum, vector) => sum + Math.abs(vector[element]!), 0);

describe("an all-reduce", () => {
  for (const algorithm of allReduceAlgorithms) {
    // Oracle: an invariant; each element is summed once and copied, or summed symmetrically.
    test(`by ${algorithm} leaves identical bits on every rank`, () => {
      for (const ranks of rankCounts) {
        const results = allReduce(algorithm, drawVectors(ranks, 3 * ranks + 1, 50 + ranks));
        for (const result of results) expect(result, `${ranks} ranks`).toEqual(results[0]);
      }
    });

    // Oracle: the exact sum, in integers.
    test(`by ${algorithm} is within γ of its depth times Σ|x| of the exact sum`, () => {
      for (const ranks of rankCounts) {
        const vectors = drawVectors(ranks, 3 * ranks + 1, 50 + ranks);
        const [result] = allReduce(algorithm, vectors);
        for (const [element, got] of result!.entries()) {
          const want = vectors.reduce((sum, vector) => sum + exact(vector[element]!), 0n);
          const error = Math.abs(Number(exact(got) - want)) * 2 ** -20;
          const bound = gamma(depth[algorithm](ranks)) * magnitudeOf(vectors, element);
          expect(error, `${ranks} ranks, element ${element}`).toBeLessThanOrEqual(bound);
        }
      }
    });
  }

  // Oracle: a serial sum is within γ_{R−1} Σ|x| of the exact one, a tree within γ_{⌈lg R⌉} Σ|x|.
  for (const algorithm of ["recursive-doubling", "rabenseifner", "binomial-tree"] as const) {
    test(`by ${algorithm} is within (γ_{R−1} + γ_{⌈lg R⌉}) Σ|x| of a ring's and of a serial sum`, () => {
      for (const ranks of rankCounts) {
        const vectors = drawVectors(ranks, 3 * ranks + 1, 50 + ranks);
        const [ring] = allReduce("ring", vectors);
        const [tree] = allReduce(algorithm, vectors);
        for (const [element, got] of tree!.entries()) {
          const bound = (gamma(ranks - 1) + gamma(lg(ranks))) * magnitudeOf(vectors, element);
          expect(Math.abs(got - ring![element]!)).toBeLessThanOrEqual(bound);
          expect(Math.abs(got - sumOf(vectors, element))).toBeLessThanOrEqual(bound);
        }
      }
    });
  }

  // Oracle: index order, which is what a star documents.
  test("by star has the bits of a serial sum", () => {
    const vectors = drawVectors(17, 40, 1);
    const [result] = allReduce("star", vectors);
    expect(result).toEqual(Float64Array.from({ length: 40 }, (_, element) => sumOf(vectors, element)));
  });

  // Oracle: ring order, which is what a ring documents: block i from rank i + 1 round to rank i.
  test("by ring has the bits of a sum around the ring", () => {
    const vectors = drawVectors(5, 5, 2);
    const [result] = allReduce("ring", vectors);
    const around = (block: number) => [1, 2, 3, 4, 5].map((hop) => vectors[(block + hop) % 5]!);
    expect(result).toEqual(Float64Array.from({ length: 5 }, (_, block) => sumOf(around(block), block)));
  });
});

// Oracles: what the operations mean, by plain loops over small integers, which add exactly.
describe("on small integers", () => {
  for (const [operation, algorithm] of everyCollective) {
    test(`${operation} by ${algorithm} gives what the operation means`, () => {
      for (const ranks of rankCounts) {
        for (const payload of operation === "all-gather" ? [1, 3] : [1, ranks - 1, 2 * ranks + 1]) {
          const schedule = buildSchedule(operation, algorithm, request(ranks, payload, 4));
          const value = (rank: number, element: number) => 1000 * rank + element;
          const block = (rank: number) => ({
            start: blockStart(rank, ranks, schedule.elements),
            end: blockStart(rank + 1, ranks, schedule.elements),
          });
          const vectors = Array.from({ length: ranks }, (_, rank) => {
            const { start, end } = operation === "all-gather" ? block(rank) : { start: 0, end: Infinity };
            return Float64Array.from({ length: schedule.elements }, (_, element) =>
              element >= start && element < end ? value(rank, element) : Number.NaN,
            );
          });
          executeSchedule(schedule, vectors);
          const sum = (element: number) => ((ranks * (ranks - 1)) / 2) * 1000 + ranks * element;
          for (const [rank, vector] of vectors.entries()) {
            const { start, end } =
              operation === "reduce-scatter" ? block(rank) : { start: 0, end: vector.length };
            const want = (element: number) => {
              if (operation === "broadcast") return value(0, element);
              if (operation === "all-gather") return value(Math.floor(element / payload), element);
              return sum(element);
            };
            expect(vector.slice(start, end), `${ranks} ranks, rank ${rank}`).toEqual(
              Float64Array.from({ length: end - start }, (_, i) => want(start + i)),
            );
          }
        }
      }
    });
  }
});
