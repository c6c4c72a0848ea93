import { describe, expect, test } from "vitest";
import type { Axis } from "../src/kernels/index-sets.ts";
import { expectClose } from "./support/close.ts";
import { toleranceOf } from "./support/expect-outcome.ts";
import { goldenFamilies, readGolden } from "./support/golden.ts";
import type { NormalizerCase } from "./support/normalizer-case.ts";
import { lastBatches } from "./support/outcome.ts";
import { type ReferenceInput, references } from "./support/reference.ts";
import { wave } from "./support/wave.ts";

// What the algebra of normalisation says about the slow reference, whatever the data.

const golden: readonly NormalizerCase[] = goldenFamilies.flatMap((family) => readGolden(family));
const kinds = Object.keys(references) as NormalizerCase["type"][];

/** Places in [N, C, L] of each set's valid elements. */
function setsOf(type: NormalizerCase["type"], input: ReferenceInput): number[][] {
  const sets = new Map<number, number[]>();
  for (let at = 0; at < input.x.length; at++) {
    const channel = Math.floor(at / input.positions) % input.channels;
    const token =
      Math.floor(at / (input.positions * input.channels)) * input.positions + (at % input.positions);
    if (input.mask !== null && input.mask[token] === 0) continue;
    const sample = Math.floor(at / (input.positions * input.channels));
    const block = Math.floor((channel * (input.groups ?? 1)) / input.channels);
    const set = {
      "batch-norm": channel,
      "layer-norm": token,
      "rms-norm": token,
      "group-norm": sample * input.channels + block,
      "instance-norm": sample * input.channels + channel,
    }[type];
    sets.set(set, [...(sets.get(set) ?? []), at]);
  }
  return [...sets.values()];
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

describe("every set of every golden case", () => {
  // Oracle: algebra of dx = iv·(g − mean g − x̂·mean(g·x̂)) and of x̂; no distribution is assumed.
  const plain = (input: ReferenceInput): ReferenceInput => ({
    ...input,
    weight: new Array<number>(input.channels).fill(1),
    bias: new Array<number>(input.channels).fill(0),
  });

  test("has Σ dx = 0, RMSNorm's aside, and Σ dx·x̂ = iv·(Σ g·x̂)·ε/(v + ε)", () => {
    for (const example of golden) {
      const tolerance = toleranceOf(example, "float64").dx;
      for (const input of lastBatches(example)) {
        const reference = references[example.type];
        const { dx, variance, count } = reference(input);
        const { y: xHat } = reference(plain(input));
        const spreads = variance.filter((_, set) => count[set]! > 0).map((v) => v + input.epsilon);
        setsOf(example.type, input).forEach((set, index) => {
          const g = (at: number) =>
            input.dy[at]! * input.weight[Math.floor(at / input.positions) % input.channels]!;
          const along = sumOf(set.map((at) => g(at) * xHat[at]!)) / Math.sqrt(spreads[index]!);
          // n terms, each off by the tolerance of dx, and times |x̂| <= √n.
          const n = set.length;
          if (example.type !== "rms-norm")
            expectClose([sumOf(set.map((at) => dx[at]!))], [0], 0, n * tolerance, example.name);
          expectClose(
            [sumOf(set.map((at) => dx[at]! * xHat[at]!))],
            [(along * input.epsilon) / spreads[index]!],
            0,
            n * Math.sqrt(n) * tolerance,
            example.name,
          );
        });
      }
    }
  });

  test("has |x̂| <= √(n − 1), and RMSNorm's √n", () => {
    for (const example of golden) {
      const tolerance = toleranceOf(example, "float64").y;
      for (const input of lastBatches(example)) {
        const { y: xHat } = references[example.type](plain(input));
        for (const set of setsOf(example.type, input)) {
          const most = Math.max(...set.map((at) => Math.abs(xHat[at]!)));
          const freedom = example.type === "rms-norm" ? set.length : set.length - 1;
          expect(most, example.name).toBeLessThanOrEqual(Math.sqrt(freedom) + tolerance);
        }
      }
    }
  });
});

describe("the Jacobian of x̂", () => {
  // Oracle: closed form J = iv·(I − 11ᵀ/n − x̂x̂ᵀ/n), symmetric: dx is J·dy. RMSNorm's has no 11ᵀ/n. Sums of 7
  // values of order 1.
  const tolerance = 1e-14;
  const n = 7;
  const epsilon = 0.25;

  for (const type of kinds) {
    const first = type === "rms-norm" ? "" : "0 along 1, ";
    test(`has eigenvalues ${first}iv·ε/(v + ε) along x̂ and iv across: ${type}`, () => {
      const one = { samples: 1, channels: 1, positions: 1, groups: 1 };
      const axis: Partial<Record<typeof type, Axis>> = {
        "batch-norm": "samples",
        "instance-norm": "positions",
      };
      const shape = { ...one, [axis[type] ?? "channels"]: n };
      const run = (dy: readonly number[]) => {
        const weight = new Array<number>(n).fill(1);
        const bias = new Array<number>(n).fill(0);
        const input = { ...shape, mask: null, epsilon, x: wave(n, 5), dy, weight, bias };
        return references[type](input);
      };
      const { y: xHat, variance } = run(wave(n, 6));
      const iv = 1 / Math.sqrt(variance[0]! + epsilon);
      const squared = sumOf(xHat.map((value) => value * value));

      const centred = type === "rms-norm" ? 0 : 1;
      if (centred === 1)
        expectClose(run(new Array<number>(n).fill(1)).dx, new Array<number>(n).fill(0), 0, tolerance);
      const along = (iv * epsilon) / (variance[0]! + epsilon);
      expectClose(
        run(xHat).dx,
        xHat.map((value) => along * value),
        0,
        tolerance,
      );
      for (let i = 0; i < n; i++) {
        const across = xHat.map((value, j) => (i === j ? 1 : 0) - centred / n - (xHat[i]! * value) / squared);
        expectClose(
          run(across).dx,
          across.map((value) => iv * value),
          0,
          tolerance,
        );
      }
    });
  }
});

describe("backward is the derivative of forward", () => {
  // Oracle: central differences of Σ dy·y with h = 1e-6. They err by h²·f‴/6 ~ 1e-12·f‴ and by rounding,
  // 2^-53·|Σ dy·y|/h ~ 1e-9 for sums of order 10.
  const h = 1e-6;
  const tolerance = 1e-8;
  const shapes = [
    { samples: 5, channels: 2, positions: 1 },
    { samples: 2, channels: 3, positions: 3 },
    { samples: 1, channels: 4, positions: 2 },
  ];

  for (const type of kinds) {
    for (const isMasked of [false, true]) {
      test(`in x, weight and bias of ${type}${isMasked ? " with a mask" : ""}`, () => {
        for (const shape of shapes) {
          const { samples, channels, positions } = shape;
          const count = samples * channels * positions;
          // The first token is padding.
          const mask = Array.from({ length: samples * positions }, (_, token) => (token === 0 ? 0 : 1));
          const input: ReferenceInput = {
            ...shape,
            groups: channels % 2 === 0 ? 2 : 1,
            x: wave(count, 7),
            dy: wave(count, 8),
            mask: isMasked ? mask : null,
            weight: wave(channels, 3),
            bias: wave(channels, 4),
            epsilon: 0.1,
          };
          const { dx, dWeight, dBias } = references[type](input);
          expectClose(derivative(type, input, "x"), dx, 0, tolerance, "dx");
          expectClose(derivative(type, input, "weight"), dWeight, 0, tolerance, "dWeight");
          expectClose(derivative(type, input, "bias"), dBias, 0, tolerance, "dBias");
        }
      });
    }
  }

  function derivative(
    type: NormalizerCase["type"],
    input: ReferenceInput,
    by: "x" | "weight" | "bias",
  ): number[] {
    const loss = (at: number, step: number): number => {
      const values = Array.from(input[by], (value, i) => (i === at ? value + step : value));
      const { y } = references[type]({ ...input, [by]: values });
      return sumOf(y.map((value, i) => value * input.dy[i]!));
    };
    return Array.from(input[by], (_, at) => (loss(at, h) - loss(at, -h)) / (2 * h));
  }
});
