import { describe, expect, test } from "vitest";
import { piscinaHost } from "../src/node/piscina-host.ts";
import type { TrainingReport } from "../src/report/training-report.ts";
import { simulate } from "../src/simulate.ts";
import { expectClose } from "./support/close.ts";
import { scenarioFrom } from "./support/scenario.ts";

// Oracles: one rank that holds the whole batch (exactness); orderings that were published, over fixed seeds;
// an invariant (every parameter of the network and of the data changes what is reported).

const data = { source: "tokens", samples: 4, positions: 6, channels: 4 };
const network = { kind: "transformer", blocks: 2, width: 8, heads: 2, feedForward: 12, placement: "pre" };
const training = {
  network,
  steps: 4,
  optimizer: { type: "sgd", learningRate: 0.1 },
  testSamples: 24,
  evaluateEvery: 1,
};
const syncBn = { name: "SyncBN", type: "batch-norm", group: "world" };
const localBn = { name: "local BN", type: "batch-norm", group: "rank" };
const ln = { name: "LN", type: "layer-norm" };

async function trained(fields: Record<string, unknown>): Promise<TrainingReport[]> {
  const { normalizers } = await simulate(
    scenarioFrom({ seed: 5, mesh: { data: 4 }, data, training, ...fields }),
  );
  return normalizers.map((normalizer) => normalizer.training!);
}

const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN);

describe("ranks that hold a batch between them", () => {
  // Float64 round-off, some 1e-15 of a sum, grown by four steps through four norms of small batches.
  const tolerance = 1e-10;
  const normalizers = [
    syncBn,
    { ...syncBn, name: "moments", implementation: "all-reduce-moments" },
    ln,
    { type: "rms-norm" },
    { type: "group-norm", groups: 2 },
  ];

  for (const placement of ["pre", "post"]) {
    for (const masked of [true, false]) {
      test(`learn as one rank does: ${placement}-norm, ${masked ? "masked" : "padding in the statistics"}`, async () => {
        const of = (samples: number[]) =>
          trained({
            mesh: { data: samples.length },
            storage: "float64",
            data: { ...data, samples, masked },
            training: { ...training, network: { ...network, placement } },
            normalizers,
          });
        const [alone, together] = await Promise.all([of([8]), of([3, 0, 4, 1])]);
        for (const [index, { curve, gradientNorms }] of alone.entries()) {
          const other = together[index]!;
          const losses = (points: TrainingReport["curve"]) =>
            numbers(points.map(({ trainLoss }) => trainLoss));
          expectClose(losses(other.curve), losses(curve), tolerance, 0, "train loss");
          for (const [at, { parameter, norm }] of gradientNorms.entries()) {
            const got = numbers(other.gradientNorms[at]!.norm);
            expectClose(got, numbers(norm), tolerance, tolerance, parameter);
          }
        }
      });
    }
  }

  test("local batch norm does not", async () => {
    const [alone] = await trained({
      mesh: { data: 1 },
      data: { ...data, samples: 8 },
      normalizers: [localBn],
    });
    const [together] = await trained({ mesh: { data: 2 }, normalizers: [localBn] });
    expect(together!.curve[0]!.trainLoss).not.toBeCloseTo(alone!.curve[0]!.trainLoss!, 3);
  });
});

test("threads change no bit", async () => {
  const scenario = scenarioFrom({ seed: 5, mesh: { data: 4 }, data, training, normalizers: [syncBn] });
  const [inProcess, threaded] = await Promise.all([
    simulate(scenario),
    simulate(scenario, { host: piscinaHost(), threads: 2 }),
  ]);
  expect(threaded.normalizers[0]!.training).toEqual(inProcess.normalizers[0]!.training);
});

// Xiong et al. (2020), arXiv 2002.04745, theorem 1 and section 3.3: at initialisation the gradient of the last
// feed-forward sublayer's W2 is of order d·√(ln d) with post-norm, whatever the depth L, and d·√(ln d / L) with pre-norm;
// post-norm's decay towards the input. Theirs is a bound for wide networks with a loss on every token. Here only
// orderings are asserted, of geometric means over twelve seeds, which have a standard error of some 15 %.
describe("the first gradients of a network with layer norm", () => {
  const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

  /** Norms of feedForward.out.weight's gradient in the first and the last block of untrained networks. */
  async function firstGradients(
    placement: "pre" | "post",
    blocks: number,
  ): Promise<{ first: number; last: number }> {
    const logs = { first: 0, last: 0 };
    for (const seed of seeds) {
      const [report] = await trained({
        seed,
        mesh: { data: 2 },
        data: { ...data, samples: 16, positions: 8, minLength: 3, channels: 5 },
        training: {
          ...training,
          network: { ...network, placement, blocks, width: 16, heads: 1, feedForward: 16 },
          steps: 1,
        },
        normalizers: [ln],
      });
      const ofBlock = (block: number): number =>
        Math.log(
          report!.gradientNorms.find(({ parameter }) => parameter === `block${block}.feedForward.out.weight`)!
            .norm[0]!,
        );
      logs.first += ofBlock(0) / seeds.length;
      logs.last += ofBlock(blocks - 1) / seeds.length;
    }
    return { first: Math.exp(logs.first), last: Math.exp(logs.last) };
  }

  test("are larger next to the output with post-norm, the more so the deeper; pre-norm's fall with depth", async () => {
    const [preShallow, preDeep] = [await firstGradients("pre", 2), await firstGradients("pre", 12)];
    const [postShallow, postDeep] = [await firstGradients("post", 2), await firstGradients("post", 12)];
    expect(preDeep.last).toBeLessThan(0.8 * preShallow.last);
    expect(postDeep.last).toBeGreaterThan(postShallow.last);
    expect(postShallow.last / preShallow.last).toBeGreaterThan(1.3);
    expect(postDeep.last / preDeep.last).toBeGreaterThan(1.5 * (postShallow.last / preShallow.last));
    expect(preDeep.first).toBeGreaterThan(1.3 * preDeep.last);
    expect(postDeep.last).toBeGreaterThan(1.1 * postDeep.first);
  });
});

// pytorch/pytorch#70529 asks for BatchNorm that knows of padding; each rank's own lengths are no sample of all lengths.
describe("batch norm over the tokens of sequences that are bucketed by length", () => {
  const fields = {
    data: { ...data, positions: 12, channels: 5, lengths: "bucketed" },
    training: {
      ...training,
      network: { ...network, width: 16, feedForward: 32 },
      steps: 150,
      optimizer: { type: "adam", learningRate: 0.01, schedule: "cosine" },
      testSamples: 256,
      evaluateEvery: 150,
    },
  };
  const gap = ({ final }: TrainingReport): number => final.testError! - final.testErrorBatchStatistics!;

  test("learns less from each rank's own statistics, and remembers them wrong; padding makes pooled ones worse", async () => {
    const losses = { masked: 0, padded: 0 };
    for (const seed of [1, 2]) {
      const [local, pooled] = await trained({ ...fields, seed, normalizers: [localBn, syncBn] });
      const padded = { ...fields.data, masked: false };
      const [unmasked] = await trained({ ...fields, seed, data: padded, normalizers: [syncBn] });
      expect(local!.final.trainLoss!).toBeGreaterThan(pooled!.final.trainLoss!);
      expect(gap(local!)).toBeGreaterThan(0.02 + Math.abs(gap(pooled!)));
      losses.masked += pooled!.final.trainLoss!;
      losses.padded += unmasked!.final.trainLoss!;
    }
    expect(losses.padded).toBeGreaterThan(losses.masked);
  });
});

describe("what is written about a transformer changes what is reported", () => {
  const normalizers = [localBn];
  const changes: [string, Record<string, unknown>][] = [
    ["blocks", { training: { ...training, network: { ...network, blocks: 3 } } }],
    ["width", { training: { ...training, network: { ...network, width: 10 } } }],
    ["heads", { training: { ...training, network: { ...network, heads: 4 } } }],
    ["feedForward", { training: { ...training, network: { ...network, feedForward: 13 } } }],
    ["placement", { training: { ...training, network: { ...network, placement: "post" } } }],
    ["channels", { data: { ...data, channels: 5 } }],
    ["positions", { data: { ...data, positions: 7 } }],
    ["minLength", { data: { ...data, minLength: 3 } }],
    ["maxLength", { data: { ...data, maxLength: 5 } }],
    ["trainingSamples", { data: { ...data, trainingSamples: 100 } }],
    ["lengths", { data: { ...data, lengths: "bucketed" } }],
    ["masked", { data: { ...data, masked: false } }],
  ];

  for (const [what, fields] of changes) {
    test(what, async () => {
      const [before] = await trained({ normalizers });
      const [after] = await trained({ normalizers, ...fields });
      expect(after!.curve).not.toEqual(before!.curve);
    });
  }
});
