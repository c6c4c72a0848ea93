import { clusterPresets } from "../../src/cost/presets.ts";
import type { CompletedPass } from "../../src/engine/coordinator.ts";
import { groupsOf } from "../../src/normalizers/group.ts";
import type { Report } from "../../src/report/report.ts";
import type { FloatArray } from "../../src/scenario/microbatch.ts";
import type { NpyBatches } from "../../src/scenario/npy-source.ts";
import type { BatchNormSpec, NormalizerSpec, Scenario, Storage } from "../../src/scenario/scenario.ts";
import { simulate } from "../../src/simulate.ts";
import type { GroupOutcome, NormalizerCase, Outcome, RankOutcome } from "./normalizer-case.ts";
import { positionCount } from "./normalizer-case.ts";

/** How the engine is to run a case. */
export interface CaseRun {
  readonly storage: Storage;
  readonly implementation: BatchNormSpec["implementation"];
  readonly algorithms?: Scenario["algorithms"];
}

const ring = { allReduce: "ring", allGather: "ring" } as const;

/** Run a case through the engine, folded in this process, in the form the expectations have. */
export async function engineOutcome(
  example: NormalizerCase,
  run: CaseRun,
): Promise<Outcome & { report: Report }> {
  const scenario = scenarioOf(example, run);
  let outcome: Outcome | undefined;
  const report = await simulate(scenario, {
    batches: batchesOf(example, run.storage),
    onPass(pass) {
      if (pass.trainingStep === scenario.trainingSteps - 1) outcome = outcomeOf(example, pass, scenario);
      else placeStep(example, pass, pass.trainingStep + 1);
    },
  });
  return { ...outcome!, report };
}

function specOf(example: NormalizerCase, { implementation }: CaseRun): NormalizerSpec {
  const { name, epsilon, weight, bias } = example;
  const method = { moments: "two-pass", accumulate: "float64" } as const;
  const common = { name, epsilon, weight, bias, ...method };
  if (example.type === "rms-norm") return { name, epsilon, weight, bias, type: example.type };
  if (example.type === "group-norm") return { ...common, type: example.type, groups: example.groups! };
  if (example.type !== "batch-norm") return { ...common, type: example.type };
  const { group, momentum, renorm, virtualBatch } = example;
  const pooling = {
    ...common,
    group,
    implementation,
    momentum,
    buffers: "per-rank",
    deferred: false,
  } as const;
  if (renorm !== undefined) return { ...pooling, type: "batch-renorm", ...renorm };
  if (virtualBatch === undefined) return { ...pooling, type: "batch-norm" };
  return { ...pooling, type: "batch-norm", group: "rank", virtualBatch };
}

function scenarioOf(example: NormalizerCase, run: CaseRun): Scenario {
  return {
    name: example.name,
    seed: 1,
    mesh: { data: example.ranks.length, tensor: 1, sequence: 1 },
    data: { source: "npy", files: example.ranks.map((_, rank) => `rank${rank}.npy`) },
    storage: run.storage,
    payload: run.storage,
    normalizers: [specOf(example, run)],
    backward: true,
    training: null,
    trainingSteps: example.type === "batch-norm" ? example.trainingSteps : 1,
    accumulation: 1,
    algorithms: run.algorithms ?? ring,
    cluster: clusterPresets["dgx-a100"]!,
    faults: [],
    deadlineSeconds: 30,
  };
}

function batchesOf(example: NormalizerCase, storage: Storage): NpyBatches {
  const { ranks, channels, positions } = example;
  const stored = (values: readonly number[]): FloatArray =>
    storage === "float32" ? Float32Array.from(values) : Float64Array.from(values);
  const isMasked = ranks.some((rank) => rank.mask !== null);
  return {
    samples: ranks.map((rank) => rank.samples),
    channels,
    positionExtents: positions,
    storage,
    x: ranks.map((rank, index) => stored(xOf(example, index, 0) ?? rank.x)),
    dy: ranks.map((rank) => stored(rank.dy)),
    mask: isMasked ? ranks.map((rank) => Uint8Array.from(rank.mask ?? [])) : null,
  };
}

/** x of a rank in a training step, where the case gives steps of their own. */
function xOf(example: NormalizerCase, rank: number, step: number): readonly number[] | undefined {
  return example.type === "batch-norm" ? example.earlier[step]?.[rank] : undefined;
}

/** Between steps: put the next step's x where the ranks will read it. */
function placeStep(example: NormalizerCase, { ranks }: CompletedPass, step: number): void {
  for (const [rank, views] of ranks.entries())
    views.x.set(xOf(example, rank, step) ?? example.ranks[rank]!.x);
}

function outcomeOf(example: NormalizerCase, { ranks }: CompletedPass, scenario: Scenario): Outcome {
  const outcomes = ranks.map((views): RankOutcome => {
    return {
      y: views.y.slice(),
      dx: views.dx.slice(),
      dWeight: views.dWeight.slice(),
      dBias: views.dBias.slice(),
    };
  });
  if (example.type !== "batch-norm") return { ranks: outcomes };
  const { channels } = example;
  const groups = groupsOf(scenario.normalizers[0]!, scenario.mesh, scenario.cluster.gpusPerNode);
  return {
    ranks: outcomes,
    groups: groups.map((group): GroupOutcome => {
      const first = ranks[group.ranks[0]!]!;
      const count = group.ranks.reduce((sum, rank) => sum + validTokens(example, rank), 0);
      const total = (of: (outcome: RankOutcome) => ArrayLike<number>): number[] =>
        Array.from({ length: channels }, (_, c) =>
          group.ranks.reduce((sum, rank) => sum + of(outcomes[rank]!)[c]!, 0),
        );
      return {
        count,
        mean: first.used.mean.slice(0, channels),
        variance: first.used.m2.slice(0, channels).map((m2) => (count === 0 ? 0 : m2 / count)),
        dWeight: total(({ dWeight }) => dWeight),
        dBias: total(({ dBias }) => dBias),
        runningMean: first.runningMean[0]!.slice(),
        runningVariance: first.runningVariance[0]!.slice(),
      };
    }),
  };
}

function validTokens(example: NormalizerCase, rank: number): number {
  const { samples, mask } = example.ranks[rank]!;
  return mask === null ? samples * positionCount(example) : mask.reduce((sum, valid) => sum + valid, 0);
}
