import { expect, test } from "vitest";
import { clusterPresets } from "../src/cost/presets.ts";
import { isSimulatorError } from "../src/errors.ts";
import { parseScenario } from "../src/scenario/parse.ts";
import { faultsOf, written } from "./support/scenario-text.ts";

const presetNames = Object.keys(clusterPresets)
  .map((preset) => JSON.stringify(preset))
  .join(", ");

function cluster(inter: string): string {
  return `cluster: { name: lab, gpu: a100, gpusPerNode: 4, intra: pcie4, inter: ${inter} }`;
}

// Oracle: by hand, counting lines and columns from 1. Each row lists every fault, in file order.
const rows: [title: string, text: string, ...faults: string[]][] = [
  [
    "an unknown key near a known one",
    written({ 10: "trainingStep: 2" }),
    '10:1: trainingStep: unknown key "trainingStep"; did you mean "trainingSteps"?',
  ],
  [
    "an unknown key near none",
    written({ 2: "mesh: { data: 4, gpus: 3 }" }),
    '2:18: mesh.gpus: unknown key "gpus"; known here: data, tensor, sequence',
  ],
  [
    "an unknown key in a list entry",
    written({ 9: "  - { name: LN, type: layer-norm, eps: 1 }" }),
    '9:35: normalizers[1].eps: unknown key "eps"; known here: type, name, epsilon, weight, bias, moments, accumulate, tensorParallel, fault',
  ],
  [
    "a key of another data source",
    written({ 6: "  channels: 3\n  classes: 3" }),
    '7:3: data.classes: unknown key "classes"; known here: source, samples, channels, positions, mean, std, channelSpread, positionCorrelation, drift',
  ],
  [
    "a missing key, at the map that lacks it",
    written({ 6: "" }),
    "4:3: data.channels: missing: expected a number",
  ],
  [
    "missing sections",
    "name: nothing else",
    "1:1: data: missing: expected a map",
    "1:1: normalizers: missing: expected a list",
  ],
  [
    "an unknown data source",
    written({ 4: "  source: gausian" }),
    '4:11: data.source: expected "gaussian", "heavy-tailed", "label-skew", "sequences", "images", "tokens", "npy", "safetensors" or "moments", got "gausian"; did you mean "gaussian"?',
  ],
  [
    "no data source",
    written({ 4: "  mean: 0" }),
    '4:3: data.source: missing: expected "gaussian", "heavy-tailed", "label-skew", "sequences", "images", "tokens", "npy", "safetensors" or "moments"',
  ],
  [
    "an unknown normaliser",
    written({ 8: "  - { name: BN, type: BatchNorm }" }),
    '8:23: normalizers[0].type: expected "batch-norm", "batch-renorm", "power-norm", "mabn", "layer-norm", "rms-norm", "group-norm" or "instance-norm", got "BatchNorm"; did you mean "batch-norm"?',
  ],
  [
    "an unknown group",
    written({ 8: "  - { name: BN, type: batch-norm, group: wrld }" }),
    '8:42: normalizers[0].group: expected "rank", "world", "node", a number or a list, got "wrld"; did you mean "world"?',
  ],
  [
    "a group of no ranks",
    written({ 8: "  - { name: BN, type: batch-norm, group: 0 }" }),
    "8:42: normalizers[0].group: expected at least 1, got 0",
  ],
  [
    "a group that is larger than the world",
    written({ 8: "  - { name: BN, type: batch-norm, group: 5 }" }),
    "8:42: normalizers[0].group: expected at most the 4 ranks of the mesh, got 5",
  ],
  [
    "lists of ranks that leave one out",
    written({ 8: "  - { name: BN, type: batch-norm, group: [[0, 2], [1]] }" }),
    "8:42: normalizers[0].group: expected each of the 4 ranks of the mesh once, 3 is missing",
  ],
  [
    "lists of ranks that name one twice",
    written({ 8: "  - { name: BN, type: batch-renorm, group: [[0, 2, 1], [1, 3]] }" }),
    "8:44: normalizers[0].group: expected each of the 4 ranks of the mesh once, got 1 twice",
  ],
  [
    "lists of ranks that are not there",
    written({ 8: "  - { name: BN, type: batch-norm, group: [[0, 1, 2, 3, 4]] }" }),
    "8:42: normalizers[0].group: expected each of the 4 ranks of the mesh once, got 4",
  ],
  [
    "a list that is no list of lists",
    written({ 8: "  - { name: BN, type: batch-norm, group: [0, 1, 2, 3] }" }),
    ...[0, 1, 2, 3].map(
      (rank) => `8:${43 + 3 * rank}: normalizers[0].group[${rank}]: expected a list, got ${rank}`,
    ),
  ],
  [
    "a virtual batch of a group",
    written({ 8: "  - { name: BN, type: batch-norm, group: 2, virtualBatch: 2 }" }),
    "8:59: normalizers[0].virtualBatch: expected group: rank beside it, whose samples it splits",
  ],
  [
    "blocks that do not divide the channels",
    written({ 9: "  - { type: group-norm, groups: 2 }" }),
    "9:33: normalizers[1].groups: expected a divisor of the 3 channels, got 2",
  ],
  [
    "no number of blocks",
    written({ 9: "  - { type: group-norm }" }),
    "9:5: normalizers[1].groups: missing: expected a number",
  ],
  [
    "bounds of batch renormalisation that cross",
    written({ 9: "  - { type: batch-renorm, rMax: 0.5, dMax: -1 }" }),
    "9:33: normalizers[1].rMax: expected at least 1, got 0.5",
    "9:44: normalizers[1].dMax: expected at least 0, got -1",
  ],
  [
    "a grid, of which run would need one point",
    written({ 10: "matrix: { seed: [1, 2] }" }),
    "10:1: matrix: expected one scenario, got a grid of them, which `normsim sweep` runs",
  ],
  [
    "moving averages of nothing",
    written({
      8: "  - { type: mabn, warmUp: -1, momentum: 2 }",
      9: "  - { name: other, type: mabn, window: 0 }",
    }),
    "8:5: normalizers[0].window: missing: expected a number",
    "8:27: normalizers[0].warmUp: expected at least 0, got -1",
    "8:41: normalizers[0].momentum: expected at most 1, got 2",
    "9:40: normalizers[1].window: expected at least 1, got 0",
  ],
  [
    "a spoiled value that several ranks would hold",
    "name: x\nmesh: { tensor: 2 }\ndata: { source: gaussian, samples: 1, channels: 4 }\nnormalizers: [{ type: layer-norm, tensorParallel: replicated }]\nfaults: [{ kind: nan, rank: 0 }]",
    "5:18: faults[0].kind: expected only sharded normalisers beside it, which hold the value on its rank alone",
  ],
  [
    "an unknown algorithm",
    written({ 10: "algorithms: { allGather: BRUCK }" }),
    '10:26: algorithms.allGather: expected "ring", "bruck" or "recursive-doubling", got "BRUCK"; did you mean "bruck"?',
  ],
  [
    "an unknown cluster",
    written({ 10: "cluster: dgx-a10" }),
    `10:10: cluster: expected ${presetNames} or a map, got "dgx-a10"; did you mean "dgx-a100"?`,
  ],
  [
    "a cluster's own faults, not that it is no preset",
    written({ 10: cluster("{ kind: ib-hdr, nicsPerNode: 0, bandwidth: 200Gb/s, stepLatency: 5 }") }),
    "10:100: cluster.inter.nicsPerNode: expected at least 1, got 0",
    '10:114: cluster.inter.bandwidth: expected a bandwidth such as 25GB/s (units B, kB, MB, GB, TB, KiB, MiB, GiB, per second), got "200Gb/s": that counts bits, write 25GB/s',
    "10:136: cluster.inter.stepLatency: expected text such as 5us, got 5",
  ],
  [
    "a duration without a unit",
    written({ 10: 'deadline: "30"' }),
    '10:11: deadline: expected a duration such as 120ms (units s, ms, us, µs, ns), got "30"',
  ],
  ["a deadline of no time", written({ 10: "deadline: 0s" }), "10:11: deadline: expected more than 0, got 0"],
  [
    "half a sample",
    written({ 5: "  samples: 2.5" }),
    "5:12: data.samples: expected a whole number or a list, got 2.5",
  ],
  [
    "samples in words",
    written({ 5: "  samples: two" }),
    '5:12: data.samples: expected a number or a list, got "two"',
  ],
  [
    "each wrong number of a list",
    written({ 5: "  samples: [1, -2, 3, x]" }),
    "5:16: data.samples[1]: expected at least 0, got -2",
    '5:23: data.samples[3]: expected a number, got "x"',
  ],
  [
    "a list that is not one number per rank",
    written({ 5: "  samples: [1, 2, 3]" }),
    "5:12: data.samples: expected one entry for each of the 4 ranks of the mesh, got 3",
  ],
  [
    "only empty ranks",
    written({ 5: "  samples: [0, 0, 0, 0]" }),
    "5:12: data.samples: expected samples on at least one rank, got 0 on every rank",
  ],
  [
    "more elements than fit",
    written({ 5: "  samples: 1000000", 6: "  channels: 1024" }),
    "4:3: data: expected at most 268435456 elements (samples x channels x positions over all ranks), got 4096000000",
  ],
  [
    "a number beyond whole numbers, once",
    written({ 6: "  channels: 1e30" }),
    "6:13: data.channels: expected at most 16777216, got 1e+30",
  ],
  [
    "numbers that are none",
    written({ 6: "  channels: 3\n  mean: .nan\n  std: .inf" }),
    "7:9: data.mean: expected a finite number, got NaN",
    "8:8: data.std: expected a finite number, got Infinity",
  ],
  [
    "a std of zero and a correlation of one",
    written({ 6: "  channels: 3\n  std: 0\n  positionCorrelation: 1" }),
    "7:8: data.std: expected more than 0, got 0",
    "8:24: data.positionCorrelation: expected less than 1, got 1",
  ],
  [
    "two degrees of freedom, which have no variance",
    written({ 4: "  source: heavy-tailed\n  degreesOfFreedom: 2" }),
    "5:21: data.degreesOfFreedom: expected more than 2, got 2",
  ],
  [
    "sequences longer than their padding",
    written({ 4: "  source: sequences\n  positions: 8\n  maxLength: 9" }),
    "6:14: data.maxLength: expected at most positions, which is 8, got 9",
  ],
  [
    "a shortest sequence longer than the longest",
    written({ 4: "  source: sequences\n  positions: [8]\n  maxLength: 5\n  minLength: 6" }),
    "7:14: data.minLength: expected at most maxLength, which is 5, got 6",
  ],
  [
    "sequences on two axes",
    written({ 4: "  source: sequences\n  positions: [8, 8]" }),
    "5:14: data.positions: expected at most 1 in the list, got a list of 2",
  ],
  [
    "a weight that is not one number per channel",
    written({ 9: "  - { name: LN, type: layer-norm, weight: [1, 2], bias: [1, 2, 3, 4] }" }),
    "9:43: normalizers[1].weight: expected one number for each of the 3 channels, got 2",
    "9:57: normalizers[1].bias: expected one number for each of the 3 channels, got 4",
  ],
  [
    "one name for two normalisers",
    written({ 9: "  - { name: BN, type: layer-norm }" }),
    '9:13: normalizers[1].name: expected a name of its own, got "BN" as in normalizers[0]',
  ],
  [
    "one made-up name for two normalisers",
    written({
      8: "  - { type: batch-norm }",
      9: "  - { type: batch-norm, implementation: all-reduce-moments }",
    }),
    '9:5: normalizers[1].name: expected a name of its own, got "batch-norm (rank)" as in normalizers[0]',
  ],
  [
    "files that are not one per rank",
    "name: x\nmesh: { data: 2 }\ndata:\n  source: npy\n  files: [a]\n  gradients: [a, b, c]\n  mask: [a, b]\nnormalizers: [{ type: layer-norm }]",
    "5:10: data.files: expected one entry for each of the 2 ranks of the mesh, got 1",
    "6:14: data.gradients: expected one entry for each of the 2 ranks of the mesh, got 3",
  ],
  [
    "too many ranks",
    "name: x\nmesh: { data: 64, tensor: 32 }\ndata: { source: gaussian, samples: 1, channels: 64 }\nnormalizers: [{ type: layer-norm }]",
    "2:7: mesh: expected at most 1024 ranks, got a product of 2048",
  ],
  [
    "shards that hold nothing or do not go together, and groups that join different channels",
    "name: x\nmesh: { tensor: 4, sequence: 2 }\ndata:\n  source: gaussian\n  channels: 3\n  samples: [2, 2, 2, 2, 2, 1, 2, 2]\nnormalizers: [{ type: rms-norm }, { type: batch-norm, group: 4 }, { type: batch-norm, name: b, group: [[0, 4], [1, 6], [2, 3, 5, 7]] }]",
    "2:17: mesh.tensor: expected at most the 3 channels, got 4",
    "2:30: mesh.sequence: expected at most the first position axis, which is 1, got 2",
    "6:28: data.samples[5]: expected 2, as on rank 0, which holds parts of the same samples; got 1",
    "7:62: normalizers[1].group: expected at most the 2 ranks that hold the same channels, got 4",
    "7:103: normalizers[2].group: expected lists of ranks that hold the same channels, which are equal modulo mesh.tensor, got [1, 6]",
  ],
  [
    "blocks of channels that end inside a shard, and forms of tensor parallelism without room",
    "name: x\nmesh: { tensor: 4, sequence: 2 }\ndata: { source: gaussian, samples: 1, channels: 12, positions: 6 }\nnormalizers: [{ type: group-norm, groups: 6 }, { type: layer-norm, tensorParallel: sequence-parallel }]",
    "4:43: normalizers[0].groups: expected a divisor or a multiple of mesh.tensor, which is 4, so that no rank holds a part of one block and more, got 6",
    "4:84: normalizers[1].tensorParallel: expected a first position axis of at least 8, mesh.tensor times mesh.sequence, for sequence-parallel, got 6",
  ],
  [
    "program errors where nothing goes wrong",
    "name: x\nmesh: { data: 2 }\ndata: { source: gaussian, samples: 1, channels: 12, positions: 6 }\nbackward: false\nnormalizers:\n  - { type: layer-norm, name: a, tensorParallel: replicated, fault: missing-gradient-all-reduce }\n  - { type: rms-norm, tensorParallel: sequence-parallel, fault: averaged-gradient-all-reduce }\n  - { type: layer-norm, fault: rank-local-statistics }",
    "6:69: normalizers[0].fault: expected tensorParallel: sequence-parallel beside it, got replicated",
    "6:69: normalizers[0].fault: expected mesh.tensor above 1, without which nothing goes wrong",
    "6:69: normalizers[0].fault: expected backward: true, without which nothing goes wrong",
    "7:65: normalizers[1].fault: expected mesh.tensor above 1, without which nothing goes wrong",
    "7:65: normalizers[1].fault: expected backward: true, without which nothing goes wrong",
    "8:32: normalizers[2].fault: expected mesh.tensor above 1, without which nothing goes wrong",
  ],
  [
    "running statistics that nobody evaluates, and deferral of nothing",
    written({ 8: "  - { name: BN, type: batch-norm, buffers: average, deferred: true }" }),
    "8:44: normalizers[0].buffers: expected an evaluation, before which average happens",
    "8:63: normalizers[0].deferred: expected accumulation above 1 beside it, got 1",
  ],
  [
    "precise statistics of no batches",
    written({ 8: "  - { name: BN, type: batch-norm, buffers: precise }", 10: "evaluation: { batches: 2 }" }),
    "10:13: evaluation: expected preciseBatches, how many microbatches normalizers[0] estimates its statistics from",
  ],
  [
    "batches for precise statistics of nobody",
    written({ 10: "evaluation: { preciseBatches: 2 }" }),
    "10:31: evaluation.preciseBatches: expected a normaliser with buffers: precise or precise-average",
  ],
  [
    "an evaluation of no microbatch, whose absence is not held against buffers as well",
    written({
      8: "  - { name: BN, type: batch-norm, buffers: average }",
      10: "evaluation: { batches: 0 }",
    }),
    "10:24: evaluation.batches: expected at least 1, got 0",
  ],
  [
    "files, which hold nothing out",
    "name: x\nmesh: { data: 1 }\ndata: { source: npy, files: [a] }\nnormalizers: [{ type: batch-norm }]\nevaluation: {}",
    "5:13: evaluation: expected a data source that can draw held-out microbatches, got npy files",
  ],
  [
    "an evaluation of normalisers that track nothing",
    written({ 8: "  - { name: RMS, type: rms-norm }", 10: "evaluation: {}" }),
    "10:13: evaluation: expected a normaliser that tracks running statistics, such as batch-norm",
  ],
  [
    "injected faults that would never happen",
    written({ 10: "backward: false\nfaults: [{ rank: 4, kind: exit, phase: backward, trainingStep: 1 }]" }),
    "11:18: faults[0].rank: expected less than the 4 ranks of the mesh, got 4",
    "11:40: faults[0].phase: expected a phase that runs; backward is false",
    "11:64: faults[0].trainingStep: expected less than the 1 trainingSteps, got 1",
  ],
  [
    "label noise where nothing is learnt",
    written({ 4: "  source: images", 6: "  labelNoise: 0.2" }),
    "6:15: data.labelNoise: expected a training block, whose labels it changes, got 0.2",
  ],
  [
    "a training block at fault, and what does not go with training",
    written({
      9: "  - { name: GN, type: group-norm, groups: 4 }",
      10: "backward: false\ntraining:\n  network: { kind: mlp, hidden: [6] }\n  steps: 0\n  optimiser: { type: sgd }",
    }),
    "4:11: data.source: expected images, whose labels the mlp learns, got gaussian",
    "9:43: normalizers[1].groups: expected a divisor of the 6 features, got 4",
    "10:11: backward: expected true: training goes backward, got false",
    "12:3: training.optimizer: missing: expected a map",
    "13:10: training.steps: expected at least 1, got 0",
    '14:3: training.optimiser: unknown key "optimiser"; did you mean "optimizer"?',
  ],
  [
    "a network of no kind, which says nothing of data and of features",
    written({
      9: "  - { name: GN, type: group-norm, groups: 2 }",
      10: "training: { network: { kind: cnn }, steps: 1, optimizer: { type: adam } }\naccumulation: 2",
    }),
    '10:30: training.network.kind: expected "mlp" or "transformer", got "cnn"',
    "11:15: accumulation: expected 1 where a network is trained, got 2",
  ],
  ["a key without a value", written({ 10: "seed:" }), "10:6: seed: expected a number, got nothing (null)"],
  [
    "a name with a control character",
    written({ 1: 'name: "a\\eb"' }),
    "1:7: name: expected 1 to 100 characters, none of them a control character",
  ],
  [
    "a key that appears twice, the value that counts being wrong",
    written({ 10: "seed: 1\nseed: x" }),
    "11:1: seed: this key appears twice",
    '11:7: seed: expected a number, got "x"',
  ],
  [
    "a key that appears twice, and what else is wrong",
    written({ 9: "  - { name: LN, type: layer-norm, name: LN }", 10: "seed: -1" }),
    "9:35: normalizers[1].name: this key appears twice",
    "10:7: seed: expected at least 0, got -1",
  ],
  [
    "faults of one field and faults between others, in file order",
    written({ 10: "seed: x", 5: "  samples: [1]", 8: "  - { name: LN, type: batch-norm, group: 9 }" }),
    "5:12: data.samples: expected one entry for each of the 4 ranks of the mesh, got 1",
    "8:42: normalizers[0].group: expected at most the 4 ranks of the mesh, got 9",
    '9:13: normalizers[1].name: expected a name of its own, got "LN" as in normalizers[0]',
    '10:7: seed: expected a number, got "x"',
  ],
];

for (const [title, text, ...faults] of rows) {
  test(`${title}: every fault has its place, its path and what would do`, () => {
    expect(faultsOf(text)).toEqual(faults);
  });
}

test("a ScenarioError carries the file's name and prints one fault a line", () => {
  try {
    parseScenario(written({ 5: "  samples: x", 10: "seed: x" }), "dir/my.yaml");
    expect.unreachable();
  } catch (error) {
    expect(isSimulatorError(error, "ScenarioError")).toBe(true);
    expect(String((error as Error).message).split("\n")).toEqual([
      'dir/my.yaml:5:12: data.samples: expected a number or a list, got "x"',
      'dir/my.yaml:10:7: seed: expected a number, got "x"',
    ]);
  }
});
