import { describe, expect, test } from "vitest";
import { expectOutcome } from "./support/expect-outcome.ts";
import { goldenFamilies, readGolden } from "./support/golden.ts";
import type { NormalizerCase, Outcome } from "./support/normalizer-case.ts";
import { lastBatches, referenceOutcome } from "./support/outcome.ts";
import {
  batchNormReference,
  layerNormReference,
  type ReferenceInput,
  type ReferenceOutput,
  references,
} from "./support/reference.ts";
import { batchNormTable, layerNormTable, residentTable } from "./support/table.ts";
import { wave } from "./support/wave.ts";

const golden: readonly NormalizerCase[] = goldenFamilies.flatMap((family) => readGolden(family));
const tables: readonly NormalizerCase[] = [...batchNormTable, ...layerNormTable, ...residentTable];

const kinds = Object.keys(references) as NormalizerCase["type"][];

describe("the slow reference is PyTorch", () => {
  // Oracle: PyTorch and, with a mask, NumPy (test/golden/generate.py).
  for (const example of golden) {
    test(`${example.type} of ${example.name}${example.ranks.some(({ mask }) => mask) ? ", masked" : ""}`, () => {
      expectOutcome(referenceOutcome(example), example, "float64");
    });
  }
});

describe("the slow reference agrees with what was worked out by hand", () => {
  // Oracle: hand, in the tables.
  for (const example of tables) {
    test(`${example.type} of ${example.name}`, () => {
      expectOutcome(referenceOutcome(example), example, "float64");
    });
  }
});

describe("the tables catch known bugs of synchronised BatchNorm", () => {
  const example = batchNormTable.find(({ name }) => name === "ranks of unequal size")!;
  const iv = 1 / Math.sqrt(12.5);

  test("ranks that weigh equally, whatever their size", () => {
    // Oracle: hand. Means 2 and 10, mean squares 14/3 and 100: mean 6, variance 157/3 − 36 (exact: 4, 12.5).
    // Detectron2's NaiveSyncBatchNorm and Flax's pmean average so.
    const exact = referenceOutcome(example);
    const averaged: Outcome = {
      ...exact,
      groups: [{ ...exact.groups![0]!, mean: [6], variance: [157 / 3 - 36] }],
    };
    expect(() => expectOutcome(averaged, example, "float64")).toThrow("group 0, mean");
  });

  test("gradients that average the means of ranks of unequal size", () => {
    // Oracle: hand. Rank means of dy are 1/3 and 0, of dy·x̂ −iv and 0; dx = iv·(dy − 1/6 + d/25).
    // PyTorch did so until issue 36382; Σ dx is 0.094, not 0.
    const dx = [1 - 1 / 6 - 3 / 25, -1 / 6 - 2 / 25, -1 / 6 - 1 / 25, -1 / 6 + 6 / 25].map((k) => k * iv);
    const { ranks, groups } = referenceOutcome(example);
    const averaged: Outcome = {
      ranks: [
        { ...ranks[0]!, dx: dx.slice(0, 3) },
        { ...ranks[1]!, dx: dx.slice(3) },
      ],
      groups: groups!,
    };
    expect(dx.reduce((sum, value) => sum + value)).toBeCloseTo(0.09428, 5);
    expect(() => expectOutcome(averaged, example, "float64")).toThrow("rank 0, dx");
  });
});

describe("masks", () => {
  test("a mask that is all valid changes no bit", () => {
    for (const example of golden) {
      for (const input of lastBatches(example)) {
        if (input.mask !== null) continue;
        const mask = new Array<number>(input.samples * input.positions).fill(1);
        const reference = references[example.type];
        expect(reference({ ...input, mask }), example.name).toEqual(reference(input));
      }
    }
  });

  for (const type of kinds) {
    test(`padding may hold anything: ${type}`, () => {
      for (const example of readGolden("batch-norm-masked")) {
        const input: ReferenceInput = { ...lastBatches(example)[0]!, groups: 1 };
        const spoil = (values: ArrayLike<number>, by: number) =>
          Array.from(values, (value, at) => (input.mask![tokenOf(input, at)] === 0 ? by : value));
        for (const by of [0, 1e30, Number.NaN]) {
          const spoilt = { ...input, x: spoil(input.x, by), dy: spoil(input.dy, by) };
          expect(references[type](spoilt), example.name).toEqual(references[type](input));
        }
      }
    });

    test(`a longer padding changes no bit: ${type}`, () => {
      for (const example of readGolden("batch-norm-masked")) {
        const input: ReferenceInput = { ...lastBatches(example)[0]!, groups: 1 };
        const longer: ReferenceInput = {
          ...input,
          positions: input.positions + 2,
          x: lengthen(input.x, input.positions, 7),
          dy: lengthen(input.dy, input.positions, 7),
          mask: lengthen(input.mask!, input.positions, 0),
        };
        const [got, want] = [references[type](longer), references[type](input)];
        expect(got.y, example.name).toEqual(lengthen(want.y, input.positions, 0));
        expect(got.dx, example.name).toEqual(lengthen(want.dx, input.positions, 0));
        expect([got.dWeight, got.dBias], example.name).toEqual([want.dWeight, want.dBias]);
      }
    });
  }

  test("a longer padding without a mask changes BatchNorm and not LayerNorm", () => {
    const input = { samples: 2, channels: 3, positions: 2, mask: null, epsilon: 1e-5 };
    const short: ReferenceInput = {
      ...input,
      weight: wave(3, 3),
      bias: wave(3, 4),
      x: wave(12, 1),
      dy: wave(12, 2),
    };
    const longer = {
      ...short,
      positions: 4,
      x: lengthen(short.x, 2, 0),
      dy: lengthen(short.dy, 2, 0),
    };
    const firstY = ({ y }: ReferenceOutput): number => y[0]!;
    expect(firstY(layerNormReference(longer))).toBe(firstY(layerNormReference(short)));
    expect(firstY(batchNormReference(longer))).not.toBe(firstY(batchNormReference(short)));
  });

  /** The token, in [N, L], of a place in [N, C, L]. */
  function tokenOf({ channels, positions }: ReferenceInput, at: number): number {
    return Math.floor(at / (positions * channels)) * positions + (at % positions);
  }

  /** Two more positions, of one value, after every row of `positions`. */
  function lengthen(values: ArrayLike<number>, positions: number, filler: number): number[] {
    return Array.from(values).flatMap((value, i) =>
      (i + 1) % positions === 0 ? [value, filler, filler] : [value],
    );
  }
});
