import { describe, expect, test } from "vitest";
import type {
  GaussianSource,
  HeavyTailedSource,
  LabelSkewSource,
  SequencesSource,
  SyntheticSource,
} from "../src/scenario/data-source.ts";
import { classMeans, classShares, dirichletShares } from "../src/scenario/label-skew.ts";
import type { Microbatch } from "../src/scenario/microbatch.ts";
import { createRandomStream } from "../src/scenario/random.ts";
import { fillGradient, fillMicrobatch } from "../src/scenario/synthetic.ts";
import {
  kolmogorovSmirnov,
  ksMaximum,
  meanScore,
  momentScores,
  normalCdf,
  zMaximum,
} from "./support/distribution.ts";

const gaussian: GaussianSource = {
  source: "gaussian",
  samples: [3, 2],
  channels: 4,
  positions: [2, 3],
  mean: 2,
  std: 0.5,
  channelSpread: 0,
  positionCorrelation: 0,
  drift: 0,
};
const heavyTailed: HeavyTailedSource = {
  source: "heavy-tailed",
  samples: [3, 2],
  channels: 4,
  positions: [2, 3],
  mean: -1,
  std: 3,
  degreesOfFreedom: 4,
};
const labelSkew: LabelSkewSource = {
  source: "label-skew",
  samples: [3, 2],
  channels: 4,
  positions: [2, 3],
  classes: 5,
  concentration: 1,
  classSpread: 2,
  std: 0.7,
};
const sequences: SequencesSource = {
  source: "sequences",
  samples: [3, 2],
  channels: 4,
  positions: [6],
  minLength: 1,
  maxLength: 5,
  mean: 1,
  std: 2,
  masked: true,
};
const sources: SyntheticSource[] = [
  gaussian,
  { ...gaussian, channelSpread: 0.3, positionCorrelation: 0.4 },
  heavyTailed,
  labelSkew,
  sequences,
  { ...sequences, masked: false },
];

/** A microbatch full of what nobody drew. */
function emptyBatch(source: SyntheticSource, rank: number, storage: 32 | 64): Microbatch {
  const samples = source.samples[rank]!;
  const positions = source.positions.reduce((product, extent) => product * extent, 1);
  const elements = samples * source.channels * positions;
  const floats = () =>
    (storage === 32 ? new Float32Array(elements) : new Float64Array(elements)).fill(Number.NaN);
  const isMasked = source.source === "sequences" && source.masked;
  const mask = isMasked ? new Uint8Array(samples * positions).fill(7) : null;
  return { samples, channels: source.channels, positions, x: floats(), dy: floats(), mask };
}

function batchOf(
  source: SyntheticSource,
  rank = 0,
  trainingStep = 0,
  storage: 32 | 64 = 64,
  seed = 11,
): Microbatch {
  const batch = emptyBatch(source, rank, storage);
  fillMicrobatch(source, seed, rank, trainingStep, batch);
  return batch;
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;
}

/** Biased. */
function variance(values: ArrayLike<number>): number {
  const center = mean(values);
  return mean(Array.from(values, (x) => (x - center) ** 2));
}

/** z-score of a sample's unbiased variance: Var(s²) is about (m4 − s⁴)/n. */
function varianceScore(values: ArrayLike<number>, want: number): number {
  const n = values.length;
  const center = mean(values);
  const square = (n / (n - 1)) * variance(values);
  const fourth = mean(Array.from(values, (x) => (x - center) ** 4));
  return (square - want) / Math.sqrt((fourth - square * square) / n);
}

// Oracle: invariants of a seeded source.
describe.each(sources.map((source, index) => [`${index} (${source.source})`, source] as const))(
  "source %s",
  (_, source) => {
    test("gives finite numbers everywhere, the same each time", () => {
      const batch = batchOf(source);
      expect([...batch.x, ...batch.dy].every(Number.isFinite)).toBe(true);
      expect(batchOf(source)).toEqual(batch);
    });

    test("a rank's bytes do not change when the world grows or another rank's samples do", () => {
      const grown = { ...source, samples: [0, 2, 5, 1] } as SyntheticSource;
      expect(batchOf(grown, 1)).toEqual(batchOf(source, 1));
    });

    test("ranks, training steps and seeds give different x and dy", () => {
      const same = { ...source, samples: [3, 3] } as SyntheticSource;
      const batches = [batchOf(same), batchOf(same, 1), batchOf(same, 0, 1), batchOf(same, 0, 0, 64, 12)];
      expect(new Set(batches.map(({ x }) => x.join())).size).toBe(4);
      expect(new Set(batches.map(({ dy }) => dy.join())).size).toBe(4);
    });

    test("float32 holds the float64 numbers, rounded once", () => {
      const narrow = batchOf(source, 0, 0, 32);
      const wide = batchOf(source);
      expect(narrow.x).toEqual(Float32Array.from(wide.x));
      expect(narrow.dy).toEqual(Float32Array.from(wide.dy));
      expect(narrow.mask).toEqual(wide.mask);
    });

    test("an empty rank is filled with nothing", () => {
      expect(batchOf({ ...source, samples: [0] } as SyntheticSource).x.length).toBe(0);
    });
  },
);

test("a microbatch of another shape than its source is refused", () => {
  const batch = emptyBatch(gaussian, 0, 32);
  const refused = (change: Partial<Microbatch>, message: RegExp) =>
    expect(() => fillMicrobatch(gaussian, 1, 0, 0, { ...batch, ...change })).toThrow(message);
  refused({ samples: 2 }, /rank 0: a microbatch of \[2, 4, 6\] for a source of \[3, 4, 6\]/);
  refused({ x: new Float32Array(1) }, /x of \[3, 4, 6\] has 1 elements/);
  refused({ dy: new Float32Array(1) }, /dy of \[3, 4, 6\] has 1 elements/);
  refused({ mask: new Uint8Array(18) }, /gaussian: a mask is unexpected/);
  const masked = { ...emptyBatch(sequences, 0, 32), mask: null };
  expect(() => fillMicrobatch(sequences, 1, 0, 0, masked)).toThrow(/sequences: a mask is missing/);
});

// Oracle: the standard normal's distribution function.
test("dy is standard normal and the same whatever the source of x", () => {
  const dy = new Float64Array(50_000);
  fillGradient(11, 0, 0, dy);
  expect(kolmogorovSmirnov(dy, normalCdf)).toBeLessThan(ksMaximum);
  expect(batchOf(gaussian).dy).toEqual(dy.subarray(0, 72));
  expect(batchOf(heavyTailed).dy).toEqual(dy.subarray(0, 72));
});

// Oracle: invariant. The product of independent normals of mean 0 has mean 0. This source takes one
// draw per value, so that a stream shared by x and dy would show.
test("x and dy are not correlated", () => {
  const full = { ...sequences, samples: [500], minLength: 6, maxLength: 6, mean: 0 };
  const { x, dy } = batchOf(full);
  expect(
    Math.abs(
      meanScore(
        x.map((value, i) => value * dy[i]!),
        0,
      ),
    ),
  ).toBeLessThan(zMaximum);
});

describe("gaussian", () => {
  test("x is normal with the mean and std of the scenario", () => {
    const { x } = batchOf({ ...gaussian, samples: [5000] });
    expect(kolmogorovSmirnov(Float64Array.from(x), (v) => normalCdf((v - 2) / 0.5))).toBeLessThan(ksMaximum);
  });

  // Oracle: E v = σ²(1 − 1/n_eff) and Var(mean) = σ²/n_eff, n_eff = BS/(1 + (S − 1)ρ): the variance of a
  // mean of equally correlated positions.
  test.each([0, 0.3, 0.9])("positions correlated by %d leave the effective count of samples", (rho) => {
    const [ranks, samples, extent] = [4000, 4, 6];
    const source = {
      ...gaussian,
      channels: 1,
      samples: Array(ranks).fill(samples),
      positions: [extent],
      positionCorrelation: rho,
    };
    const batches = Array.from({ length: ranks }, (_, rank) => batchOf(source, rank).x);
    const effective = (samples * extent) / (1 + (extent - 1) * rho);
    const sigma2 = gaussian.std ** 2;
    expect(Math.abs(meanScore(batches.map(variance), sigma2 * (1 - 1 / effective)))).toBeLessThan(zMaximum);
    expect(Math.abs(meanScore(batches.map(mean), gaussian.mean))).toBeLessThan(zMaximum);
    expect(Math.abs(varianceScore(batches.map(mean), sigma2 / effective))).toBeLessThan(zMaximum);
  });

  test("channels differ by channelSpread, alike on all ranks and at all training steps", () => {
    const spread = {
      ...gaussian,
      channels: 2000,
      samples: [60, 60],
      positions: [],
      channelSpread: 0.5,
      std: 3,
    };
    const momentsOf = (rank: number, trainingStep: number) => {
      const { x } = batchOf(spread, rank, trainingStep);
      return Array.from({ length: 2000 }, (_, c) => {
        const channel = Array.from({ length: 60 }, (_, n) => x[n * 2000 + c]!);
        return { mean: mean(channel), std: Math.sqrt(variance(channel)) };
      });
    };
    const first = momentsOf(0, 0);
    for (const other of [momentsOf(1, 0), momentsOf(0, 1)]) {
      // Each estimate of a mean is off by N(0, std²/60).
      const scores = first.map(
        (a, c) => (a.mean - other[c]!.mean) / Math.sqrt((a.std ** 2 + other[c]!.std ** 2) / 60),
      );
      expect(Math.abs(mean(scores)) * Math.sqrt(2000)).toBeLessThan(zMaximum);
      expect(Math.max(...scores.map(Math.abs))).toBeLessThan(7);
    }
    // Means are N(2, (0.5·3)²), estimated from 60 samples; E std² = 9 exp(2·0.5²), of a log-normal.
    const means = first.map((channel) => channel.mean);
    expect(Math.abs(meanScore(means, 2))).toBeLessThan(zMaximum);
    expect(Math.abs(varianceScore(means, 1.5 ** 2 + (9 * Math.exp(0.5)) / 60))).toBeLessThan(zMaximum);
    // ln std is N(ln 3, 0.5²), estimated from 60 normals: off by (ψ(59/2) − ln 30)/2 = −1/59, variance ψ'(59/2)/4 = 1/118.
    const logs = first.map(({ std }) => Math.log(std));
    expect(Math.abs(meanScore(logs, Math.log(3) - 1 / 59))).toBeLessThan(zMaximum);
    expect(Math.abs(varianceScore(logs, 0.5 ** 2 + 1 / 118))).toBeLessThan(zMaximum);
  });
});

// Oracle: Student's distribution function in closed form for 3 and 4 degrees of freedom.
test.each([
  [3, (t: number) => 0.5 + (t / Math.sqrt(3) / (1 + (t * t) / 3) + Math.atan(t / Math.sqrt(3))) / Math.PI],
  [
    4,
    (t: number) => {
      const w = t / Math.sqrt(1 + (t * t) / 4);
      return 0.5 + (3 / 8) * w * (1 - (w * w) / 12);
    },
  ],
])(
  "heavy-tailed x follows Student's t of %d degrees, scaled to the std of the scenario",
  (degreesOfFreedom, cdf) => {
    const { x } = batchOf({ ...heavyTailed, degreesOfFreedom, samples: [3000] });
    const scale = 3 * Math.sqrt((degreesOfFreedom - 2) / degreesOfFreedom);
    expect(kolmogorovSmirnov(Float64Array.from(x), (v) => cdf((v + 1) / scale))).toBeLessThan(ksMaximum);
  },
);

test("heavy-tailed x of 30 degrees has the mean and variance of the scenario", () => {
  const { x } = batchOf({ ...heavyTailed, degreesOfFreedom: 30, samples: [3000] });
  // Kurtosis of t: 3 + 6/(degrees − 4).
  const law = { mean: -1, variance: 9, kurtosis: 3 + 6 / 26 };
  for (const z of momentScores(Float64Array.from(x), law)) expect(Math.abs(z)).toBeLessThan(zMaximum);
  expect(() => batchOf({ ...heavyTailed, degreesOfFreedom: 2 })).toThrow(
    /2 degrees of freedom has no variance/,
  );
});

describe("label-skew", () => {
  // Oracle: with B = Σ p m² − (Σ p m)² over the classes and p = 1/classes, Var(μ_r) = B/(α₀ + 1) and
  // E within = σ² + B α₀/(α₀ + 1): the moments of a Dirichlet of total concentration α₀.
  describe.each([0.3, 1, 20])("with concentration %d", (concentration) => {
    const [ranks, samples] = [3000, 8];
    const source = {
      ...labelSkew,
      concentration,
      channels: 2,
      positions: [],
      samples: Array<number>(ranks).fill(samples),
    };
    const everyRank = Array.from({ length: ranks }, (_, rank) => rank);
    const means = Array.from({ length: source.classes }, (_, label) => classMeans(source, 11, label)[1]!);
    const between = variance(means);
    const within = source.std ** 2 + (between * concentration) / (concentration + 1);

    test("the expected mean of a rank varies as the Dirichlet says", () => {
      const centers = everyRank.map((rank) =>
        classShares(source, 11, rank).reduce((sum, share, label) => sum + share * means[label]!, 0),
      );
      expect(Math.abs(meanScore(centers, mean(means)))).toBeLessThan(zMaximum);
      expect(Math.abs(varianceScore(centers, between / (concentration + 1)))).toBeLessThan(zMaximum);
    });

    test("the mean and the variance of a rank's samples have their closed forms", () => {
      const channels = everyRank.map((rank) => batchOf(source, rank).x.filter((_, i) => i % 2 === 1));
      const variances = channels.map(variance);
      expect(Math.abs(meanScore(variances, (1 - 1 / samples) * within))).toBeLessThan(zMaximum);
      const wanted = between / (concentration + 1) + within / samples;
      expect(Math.abs(varianceScore(channels.map(mean), wanted))).toBeLessThan(zMaximum);
    });
  });

  test("class means are normal with standard deviation classSpread", () => {
    const wide = { ...labelSkew, channels: 500 };
    const means = Array.from({ length: 40 }, (_, label) => [...classMeans(wide, 11, label)]).flat();
    expect(kolmogorovSmirnov(Float64Array.from(means), (m) => normalCdf(m / 2))).toBeLessThan(ksMaximum);
  });

  test("all positions of a sample have its class, and a rank keeps its classes over training steps", () => {
    // Without noise x is the class mean itself.
    const exact = { ...labelSkew, std: 0, concentration: 1e-6, samples: [50, 50] };
    const [first, second] = [batchOf(exact, 0, 0), batchOf(exact, 0, 5)];
    expect(new Set(first.x).size).toBe(4);
    expect(second.x).toEqual(first.x);
    const label = classShares(exact, 11, 0).indexOf(1);
    expect([...new Set(first.x)]).toEqual([...classMeans(exact, 11, label)]);
  });

  // Oracle: the mean 1/K and the variance (1/K)(1 − 1/K)/(Kα + 1) of each share.
  test("Dirichlet shares sum to 1 and have their mean and variance", () => {
    const stream = createRandomStream({ seed: 3, rank: 0, trainingStep: 0, purpose: "test" });
    const rows = Array.from({ length: 5000 }, () => dirichletShares(stream, 0.4, 5));
    for (const row of rows) expect(Math.abs(row.reduce((a, b) => a + b) - 1)).toBeLessThan(5 * 2 ** -53);
    for (let k = 0; k < 5; k++) {
      const shares = rows.map((row) => row[k]!);
      expect(Math.abs(meanScore(shares, 0.2))).toBeLessThan(zMaximum);
      expect(Math.abs(varianceScore(shares, (0.2 * 0.8) / 3))).toBeLessThan(zMaximum);
    }
  });

  // Oracle: as α -> 0 a Dirichlet picks one class, each equally often.
  test("at tiny concentrations each rank has one class, and each class is as frequent", () => {
    const tiny = { ...labelSkew, concentration: 1e-9 };
    const counts = new Float64Array(5);
    for (let rank = 0; rank < 5000; rank++) {
      const label = classShares(tiny, 11, rank).indexOf(1);
      counts[label] = counts[label]! + 1;
    }
    expect(counts.reduce((a, b) => a + b)).toBe(5000);
    for (const n of counts) expect(Math.abs(n - 1000) / Math.sqrt(5000 * 0.2 * 0.8)).toBeLessThan(zMaximum);
  });
});

describe("sequences", () => {
  const many = { ...sequences, samples: [4000] };
  const lengthsOf = (mask: Uint8Array) =>
    Array.from({ length: 4000 }, (_, n) => mask.subarray(n * 6, (n + 1) * 6).indexOf(0)).map((at) =>
      at < 0 ? 6 : at,
    );

  test("the mask is a run of ones and then zeros, of every length alike", () => {
    const mask = batchOf(many).mask!;
    const lengths = lengthsOf(mask);
    for (const [n, length] of lengths.entries()) {
      expect([...mask.subarray(n * 6, (n + 1) * 6)]).toEqual([1, 1, 1, 1, 1, 1].fill(0, length));
    }
    for (const length of [1, 2, 3, 4, 5]) {
      const count = lengths.filter((one) => one === length).length;
      expect(Math.abs(count - 800) / Math.sqrt(4000 * 0.2 * 0.8)).toBeLessThan(zMaximum);
    }
    expect(Math.max(...lengths)).toBe(5);
  });

  test("padding is exactly zero in x and dy, and nothing else is", () => {
    const { x, dy, mask } = batchOf(many);
    const isValid = (i: number) => mask![Math.floor(i / 24) * 6 + (i % 6)] === 1;
    expect(x.every((value, i) => Object.is(value, 0) !== isValid(i))).toBe(true);
    expect(dy.every((value, i) => Object.is(value, 0) !== isValid(i))).toBe(true);
  });

  test("valid tokens are normal with the mean and std of the scenario", () => {
    const valid = Float64Array.from(batchOf(many).x.filter((value) => value !== 0));
    expect(kolmogorovSmirnov(valid, (v) => normalCdf((v - 1) / 2))).toBeLessThan(ksMaximum);
  });

  test("a forgotten mask changes nothing in x and dy", () => {
    const forgotten = batchOf({ ...many, masked: false });
    const { x, dy } = batchOf(many);
    expect(forgotten.mask).toBe(null);
    expect(Buffer.from(forgotten.x.buffer).equals(Buffer.from(x.buffer))).toBe(true);
    expect(Buffer.from(forgotten.dy.buffer).equals(Buffer.from(dy.buffer))).toBe(true);
  });

  test("sequences of full length have no padding", () => {
    const full = batchOf({ ...many, minLength: 6, maxLength: 6 });
    expect(full.mask!.every((valid) => valid === 1)).toBe(true);
    expect(full.x.some((value) => value === 0)).toBe(false);
  });
});
