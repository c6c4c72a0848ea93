import { describe, expect, test } from "vitest";
import type { Cluster } from "../src/cost/cluster.ts";
import { collectiveValidation } from "../src/cost/nccl/collective-validation.ts";
import { leftOutErrors } from "../src/cost/nccl/correction-constants.ts";
import { measuredCollectives } from "../src/cost/nccl/measured/measurements.ts";
import { busFactor, type CollectivePrediction, predictCollective } from "../src/cost/nccl/predict.ts";
import { type CollectiveRequest, collectiveOperations } from "../src/cost/nccl/request.ts";
import { torusAxes } from "../src/cost/nccl/torus.ts";
import { clusterPresets } from "../src/cost/presets.ts";
import { errorOf, isInBand } from "../src/cost/validation.ts";

const dgxA100 = clusterPresets["dgx-a100"]!;

function predict(change: Partial<CollectiveRequest> = {}): CollectivePrediction {
  const usual = { cluster: dgxA100, operation: "all-reduce", nodes: 4, gpusPerNode: 8, bytes: 8192 } as const;
  return predictCollective({ ...usual, ...change });
}

test("every preset has a positive prediction inside its band for every operation and size", () => {
  for (const cluster of Object.values(clusterPresets))
    for (const operation of collectiveOperations)
      for (const nodes of [1, 2, 3, 64])
        for (const bytes of [1, 4096, 2 ** 20, 2 ** 34]) {
          const { gpusPerNode } = cluster;
          const { seconds, lowSeconds, highSeconds } = predict({
            cluster,
            operation,
            nodes,
            gpusPerNode,
            bytes,
          });
          const where = `${cluster.name} ${operation} ${nodes} nodes ${bytes} B`;
          expect(seconds, where).toBeGreaterThan(0);
          expect(lowSeconds, where).toBeLessThan(seconds);
          expect(highSeconds, where).toBeGreaterThan(seconds);
          expect(highSeconds, where).toBeLessThan(Number.POSITIVE_INFINITY);
        }
});

// Oracle: github.com/NVIDIA/nccl-tests, doc/PERFORMANCE.md.
test("bus bandwidth is algorithm bandwidth times what a ring moves", () => {
  expect(busFactor("all-reduce", 8)).toBe(14 / 8);
  expect(busFactor("all-gather", 8)).toBe(7 / 8);
  expect(busFactor("reduce-scatter", 8)).toBe(7 / 8);
  expect(busFactor("broadcast", 8)).toBe(1);
  const { seconds, algorithmBandwidth, busBandwidth } = predict();
  expect(algorithmBandwidth).toBe(8192 / seconds);
  expect(busBandwidth).toBe(algorithmBandwidth * (62 / 32));
});

test("one rank has nothing to send", () => {
  const { seconds, busBandwidth, algorithm } = predict({ nodes: 1, gpusPerNode: 1 });
  expect({ seconds, busBandwidth, algorithm }).toEqual({ seconds: 0, busBandwidth: 0, algorithm: "none" });
});

describe("a prediction reacts", () => {
  const large = 2 ** 30;
  const inter = dgxA100.inter;
  // Each change makes the cluster worse; the size is one where NCCL's own rules let it matter.
  const rows: [what: string, bytes: number, worse: Cluster][] = [
    ["an older GPU", large, { ...dgxA100, gpu: "v100" }],
    ["PCIe instead of NVLink", large, { ...dgxA100, intra: "pcie4" }],
    ["another transport", 8192, { ...dgxA100, inter: { ...inter, kind: "efa" } }],
    ["fewer network cards", large, { ...dgxA100, inter: { ...inter, nicsPerNode: 4 } }],
    ["slower network cards", large, { ...dgxA100, inter: { ...inter, bandwidthBytesPerSecond: 12.5e9 } }],
    ["a slower step", 8192, { ...dgxA100, inter: { ...inter, stepLatencySeconds: 20e-6 } }],
    ["a slower launch", 8192, { ...dgxA100, launchSeconds: 50e-6 }],
  ];
  for (const [what, bytes, worse] of rows) {
    test(`to ${what} with more time`, () => {
      expect(predict({ cluster: worse, bytes }).seconds).toBeGreaterThan(predict({ bytes }).seconds);
    });
  }

  // AMD has another cap on LL over several nodes (19 instead of 20.4 GB/s) and a dearer post.
  test("to the vendor of the CPU in NCCL's own estimate", () => {
    const intel: Cluster = { ...dgxA100, cpu: "intel" };
    const request = { bytes: 65536, algorithm: "ring", protocol: "LL" } as const;
    expect(predict({ ...request, cluster: intel }).uncorrectedSeconds).toBeLessThan(
      predict(request).uncorrectedSeconds,
    );
  });

  test("to the version of NCCL, and takes the cluster's if none is given", () => {
    const old: Cluster = { ...dgxA100, nccl: "2.8" };
    expect(predict({ ncclVersion: "2.8" }).uncorrectedSeconds).not.toBe(predict().uncorrectedSeconds);
    expect(predict({ cluster: old })).toEqual(predict({ ncclVersion: "2.8" }));
  });

  test("to more nodes with more time and, beyond those that were fitted, a wider band and a note", () => {
    const [few, many] = [predict(), predict({ nodes: 8192 })];
    expect(many.seconds).toBeGreaterThan(few.seconds);
    expect(many.highSeconds / many.seconds).toBeGreaterThan(2 * (few.highSeconds / few.seconds));
    expect(few.notes).toEqual([]);
    expect(many.notes.join()).toMatch(/above 20 nodes/);
  });
});

describe("a TPU torus", () => {
  // Oracle: factors by hand; the most cubic box of so many chips.
  test("is as cubic as its chips allow", () => {
    expect([64, 128, 12, 7, 1].map(torusAxes)).toEqual([
      [4, 4, 4],
      [8, 4, 4],
      [3, 2, 2],
      [7, 1, 1],
      [1, 1, 1],
    ]);
  });

  // Oracle: jax-ml.github.io/scaling-book/sharding: all-gather max(hops x 1 µs / 2, V / (W both ways x axes)), all-reduce twice.
  test("takes the larger of hops and bytes over all axes, twice for all-reduce", () => {
    const tpu = clusterPresets["tpu-v5p"]!;
    const of = (operation: CollectiveRequest["operation"], bytes: number) =>
      predict({ cluster: tpu, operation, nodes: 16, gpusPerNode: 4, bytes }).seconds;
    expect(of("all-gather", 8)).toBe(1e-6 * 6);
    expect(of("all-gather", 540e9)).toBe(1);
    expect(of("all-reduce", 540e9)).toBe(2);
  });
});

describe("the measured runs", () => {
  const cases = measuredCollectives();

  test("all have a cluster, a source and rising sizes with positive times", () => {
    expect(cases.length).toBe(75);
    for (const { name, request, source, points } of cases) {
      expect(request.cluster, name).toBeDefined();
      expect(source, name).not.toBe("");
      points.forEach(({ bytes, seconds }, index) => {
        expect(seconds, name).toBeGreaterThan(0);
        expect(bytes, name).toBeGreaterThan(points[index - 1]?.bytes ?? 0);
      });
    }
  });

  test("of low trust, or of one process with 8 GPUs, are not fitted to", () => {
    for (const { name, trust, note, isFitted } of cases) {
      if (trust === "low" || /single process -g 8|-g 8 single/.test(note)) expect(isFitted, name).toBe(false);
    }
  });
});

describe("the fit", () => {
  const fitted = collectiveValidation().filter(({ isFitted, label }) => isFitted && Number(label) >= 8);

  // Oracle: the fit's own figure, printed when it was made: the constants and the data still belong together.
  test("is as far off as its script found it", () => {
    const errors = fitted.map((point) => Math.abs(1 - 1 / (1 + errorOf(point)))).sort((a, b) => a - b);
    const { rows, fitted: median } = leftOutErrors.find(({ family }) => family === "everything")!;
    expect(errors.length).toBe(rows);
    // |measured / predicted - 1| against |predicted / measured - 1|: the same rows, medians within 2 % of each other.
    expect(Math.abs(errors[Math.floor(errors.length / 2)]! - median)).toBeLessThan(0.02);
  });

  // Oracle: the target set for the band: 75 to 90 % of left-out rows.
  test("has bands that hold for what was left out", () => {
    for (const { family, coverage } of leftOutErrors) {
      expect(coverage, family).toBeGreaterThanOrEqual(0.75);
      expect(coverage, family).toBeLessThanOrEqual(0.9);
    }
    expect(fitted.filter(isInBand).length / fitted.length).toBeGreaterThan(0.8);
  });

  test("beats NCCL's own model on what was left out", () => {
    const raw = measuredCollectives()
      .filter(({ isFitted, request }) => isFitted && request.operation === "all-reduce")
      .flatMap(({ request, points }) =>
        points
          .filter(({ bytes }) => bytes >= 512 && bytes <= 32768)
          .map(({ bytes, seconds }) =>
            Math.abs(predictCollective({ ...request, bytes }).uncorrectedSeconds / seconds - 1),
          ),
      )
      .sort((a, b) => a - b);
    const small = leftOutErrors.find(({ family }) => family === "all-reduce 0.5-32 KiB")!;
    expect(small.withoutSite).toBeLessThan(raw[Math.floor(raw.length / 2)]! / 2);
  });
});
