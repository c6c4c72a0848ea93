import { describe, expect, test } from "vitest";
import type { Communicator } from "../src/collectives/communicator.ts";
import type { FloatArray } from "../src/kernels/kernels.ts";
import { implementations } from "../src/normalizers/implementations.ts";
import type { RankView } from "../src/normalizers/operator.ts";
import { poolMoments } from "../src/normalizers/synchronization.ts";
import type { ImplementationName } from "../src/scenario/implementation-names.ts";
import { implementationNames } from "../src/scenario/implementation-names.ts";
import { isWide } from "../src/scenario/number-format.ts";
import { simulate } from "../src/simulate.ts";
import type { Moments } from "../src/statistics/moments.ts";
import { expectClose } from "./support/close.ts";
import { runLibrary } from "./support/run-library.ts";
import { scenarioFrom } from "./support/scenario.ts";

/** A group of two ranks that hold the same: everything that arrives is what was sent, twice or doubled. */
const twins: Communicator = {
  groupSize: 2,
  // biome-ignore lint/correctness/useYield: nobody to wait for.
  *allReduce(payload) {
    for (let i = 0; i < payload.length; i++) payload[i]! *= 2;
  },
  // biome-ignore lint/correctness/useYield: nobody to wait for.
  *allGather(payload) {
    const gathered = isDouble(payload)
      ? new Float64Array(2 * payload.length)
      : new Float32Array(2 * payload.length);
    gathered.set(payload, 0);
    gathered.set(payload, payload.length);
    return gathered;
  },
  *broadcast() {},
  // biome-ignore lint/correctness/useYield: no implementation asks for it.
  *reduceScatter(payload) {
    return payload;
  },
};

const isDouble = (payload: FloatArray): boolean => payload.BYTES_PER_ELEMENT === 8;

/** What an implementation makes of twins of one channel, with payloads in float32. */
function pool(name: ImplementationName, { count, mean, m2 }: Moments, epsilon: number) {
  const statistics = { count: Float64Array.of(count), mean: Float64Array.of(mean), m2: Float64Array.of(m2) };
  const view = {
    statistics,
    epsilon,
    extent: { samples: count, channels: 1, positions: 1 },
    communicator: twins,
    payload: (length: number, format = "float32" as const) =>
      isWide(format) ? new Float64Array(length) : new Float32Array(length),
  };
  const progress = poolMoments(view as unknown as RankView, implementations[name]);
  const result = progress.next();
  if (result.done !== true) throw new Error("twins never wait");
  return {
    count: statistics.count[0]!,
    mean: statistics.mean[0]!,
    variance: statistics.m2[0]! / statistics.count[0]!,
    clampedVariances: result.value,
  };
}

const ofMeanSquares = implementationNames.filter((name) => {
  const { merge } = implementations[name];
  return merge.by === "mean-square" && merge.of !== "shiftedSum";
});
const clipping: readonly ImplementationName[] = ["keras", "flax"];

describe("E[x²] − E[x]² in float32", () => {
  // By hand: m = 1 + 2^-23 is a float32, m² = 1 + 2^-22 + 2^-46 rounds to 1 + 2^-22: a variance of 0 becomes −2^-46.
  const mean = 1 + 2 ** -23;
  for (const name of ofMeanSquares) {
    const clips = clipping.includes(name);
    test(`${name} ${clips ? "clips a negative variance and counts it" : "keeps a negative variance"}`, () => {
      const got = pool(name, { count: 4, mean, m2: 0 }, 0);
      expect(got.mean).toBe(mean);
      expect(got.variance).toBe(clips ? 0 : -(2 ** -46));
      expect(got.clampedVariances).toBe(clips ? 1 : 0);
    });

    test(`${name} lets NaN through`, () => {
      const got = pool(name, { count: 4, mean: Number.NaN, m2: Number.NaN }, 0);
      expect([got.mean, got.variance]).toEqual([Number.NaN, Number.NaN]);
      expect(got.clampedVariances).toBe(0);
    });
  }

  test("a sum about a shift has no such trouble", () => {
    expect(pool("all-reduce-shifted", { count: 4, mean, m2: 0 }, 0)).toMatchObject({ mean, variance: 0 });
  });
});

for (const name of clipping) {
  test(`${name} passes no gradient through a variance that it clipped`, async () => {
    // By hand: m = 4096.5, m² = 16781312.25, E[x²] = m² + 1/64 rounds to 16781312: −0.25, taken as 0. What is left is
    // dx = (dy − mean dy)/√ε.
    const rank = [4096.375, 4096.625];
    const dy = [
      [1, 0],
      [0, 0],
    ];
    const { dx, used } = await runLibrary(name, { x: [rank, rank], dy, epsilon: 1e-5, storage: "float32" });
    expect(used[0]!.m2).toBe(0);
    const want = [0.75, -0.25, -0.25, -0.25].map((g) => g / Math.sqrt(1e-5));
    expectClose(dx.flat(), want, 2 ** -23, 0, "dx");
  });
}

describe("variances that travel as 1/√(v + ε)", () => {
  const epsilon = 1e-5;
  const u = 2 ** -24;
  for (const name of ["pytorch", "pytorch-1.5", "horovod", "mindspore"] as const) {
    for (const variance of [0, 1e-10, 1e-5, 1, 100]) {
      test(`${name} brings ${variance} back within 8u(v + ε)`, () => {
        const got = pool(name, { count: 4, mean: 0, m2: 4 * variance }, epsilon);
        expectClose([got.variance], [variance], 0, 8 * u * (variance + epsilon));
        expect(got.variance).toBeGreaterThanOrEqual(0);
      });
    }
  }

  test("0 comes back as 0 and counts where 1/√ε was rounded up, and as what was rounded away where down", () => {
    // By hand: both twins undo the same float32, whose square is above 1/ε or below.
    const undone = [1e-5, 1e-4, 1e-3, 0.1, 0.3].map((epsilon) => {
      const left = 1 / Math.fround(1 / Math.sqrt(epsilon)) ** 2 - epsilon;
      const got = pool("pytorch", { count: 4, mean: 0, m2: 0 }, epsilon);
      expect([got.variance, got.clampedVariances]).toEqual(left < 0 ? [0, 2] : [left, 0]);
      return left;
    });
    expect(undone.filter((left) => left < 0).length).toBeGreaterThan(0);
    expect(undone.filter((left) => left > 0).length).toBeGreaterThan(0);
  });

  test("1e-10 is off by more than a thousandth, where one that travels as it is keeps its digits", () => {
    const off = (name: ImplementationName): number =>
      Math.abs(pool(name, { count: 4, mean: 0, m2: 4e-10 }, epsilon).variance / 1e-10 - 1);
    expect(off("pytorch")).toBeGreaterThan(1e-3);
    expect(off("apex")).toBeLessThan(u);
  });
});

describe("2^24 + 1 values on a rank", () => {
  // By hand: float32 has no 2^24 + 1; the tie goes to the even 2^24.
  const count = 2 ** 24 + 1;
  for (const name of ["horovod", "inplace-abn", "mindspore"] as const) {
    test(`${name} counts in integers`, () => {
      expect(pool(name, { count, mean: 1, m2: count }, 0).count).toBe(2 * count);
    });
  }
  for (const name of [
    "pytorch",
    "pytorch-1.5",
    "apex",
    "keras",
    "fairscale",
    "all-reduce-shifted",
  ] as const) {
    test(`${name} counts in float32 and loses one, which moves nothing beyond rounding`, () => {
      const got = pool(name, { count, mean: 1, m2: count }, 0);
      expect(got.count).toBe(2 ** 25);
      expectClose([got.mean, got.variance], [1, 1], 8 * 2 ** -24, 0);
    });
  }
});

test("at mean 5 and std 0.1 in bfloat16 only sums about a shift hold", async () => {
  // Oracle: orderings. bfloat16 has 8 bits: 5 is known to 2^-6, E[x²] = 25 to 2^-4, six times the variance.
  const names = ["all-reduce-shifted", "pytorch", "flax", "fairscale"] as const;
  const { normalizers } = await simulate(
    scenarioFrom({
      seed: 2,
      mesh: { data: 4 },
      data: {
        source: "gaussian",
        samples: 16,
        channels: 32,
        positions: [8],
        mean: 5,
        std: 0.1,
        channelSpread: 0,
      },
      payload: "bfloat16",
      normalizers: names.map((name) => ({ name, type: "batch-norm", group: "world", implementation: name })),
    }),
  );
  const [shifted, pytorch, flax, fairscale] = normalizers.map(({ exactness }) => exactness!);
  const error = ({ outputMse }: typeof shifted & {}): number =>
    Math.sqrt(outputMse ?? Number.POSITIVE_INFINITY);
  // 2^-8 is the unit roundoff; the shift leaves differences of a standard deviation to be rounded.
  expect(error(shifted!)).toBeLessThan(2 ** -8);
  expect(error(pytorch!)).toBeGreaterThan(4 * error(shifted!));
  // Clipped to 0, a variance leaves 1/√ε = 316 to multiply with.
  expect(error(flax!)).toBeGreaterThan(1);
  expect(fairscale!.outputMse).toBeNull();
  expect(shifted!.reason).toBe("numbers are rounded to bfloat16 on the wire");
  expect(flax!.reason).toMatch(/^E\[x²\] − E\[x\]² loses digits: .* up to 5\d/);
  expect(fairscale!.reason).toContain("E[x²] − E[x]² turns negative or overflows");
});
