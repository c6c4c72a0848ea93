import { type BenchmarkRun, checkRun } from "../cost/calibration/benchmark-run.ts";
import { type Calibration, type CalibrationPoint, calibrateCluster } from "../cost/calibration/fit.ts";
import { readJsonOutput } from "../cost/calibration/json-output.ts";
import { readTextOutput } from "../cost/calibration/text-output.ts";
import type { Cluster } from "../cost/cluster.ts";
import { isTpu } from "../cost/clusters/gpus.ts";
import { isKnownVersion } from "../cost/nccl/version.ts";
import { clusterPresets } from "../cost/presets.ts";
import { ScenarioError } from "../errors.ts";
import { readCluster } from "./cluster-files.ts";
import { alignColumns } from "./columns.ts";
import { readTextFile } from "./files.ts";

/** The options of `normsim calibrate`, as written; each is for what an output does not say. */
export interface CalibrateOptions {
  /** What to start from; default: the DGX of the GPU that the output names. */
  readonly cluster?: string;
  readonly nodes?: string;
  readonly gpusPerNode?: string;
}

/** More text than a sweep of nccl-tests with its log could be. */
const charactersMaximum = 16 * 2 ** 20;

/** Presets by what the driver calls the GPU. */
const presetsByDevice: readonly (readonly [RegExp, string])[] = [
  [/V100-SXM/, "dgx-1-v100"],
  [/A100-SXM/, "dgx-a100"],
  [/A100-PCI/, "a100-pcie"],
  [/H100/, "dgx-h100"],
  [/H200/, "hgx-h200"],
  [/GB200/, "gb200-nvl72"],
  [/B200/, "dgx-b200"],
  [/L40S/, "l40s"],
  [/RTX 4090/, "rtx-4090"],
];

/**
 * Fit a cluster to outputs of nccl-tests and print it as a file, with the residual of each point as comments.
 *
 * @throws ScenarioError on files that are no such output, hold nonsense or do not say enough.
 */
export async function calibrate(files: readonly string[], options: CalibrateOptions): Promise<void> {
  const runs = files.map(readRun);
  const base = baseOf(runs, options);
  const points = runs.flatMap((run) => pointsOf(run, base, options));
  const result = calibrateCluster(base, points);
  process.stdout.write(clusterFile(result, files, options.cluster));
}

function readRun(file: string): BenchmarkRun {
  const text = readTextFile(file);
  if (text.length > charactersMaximum)
    throw refusal(file, `expected at most ${charactersMaximum} characters, got ${text.length}`);
  const run = text.trimStart().startsWith("{") ? readJsonOutput(text, file) : readTextOutput(text, file);
  checkRun(run);
  return run;
}

function baseOf(runs: readonly BenchmarkRun[], options: CalibrateOptions): Cluster {
  const { file, device, ncclVersion } = runs[0]!;
  const known = presetsByDevice.find(([pattern]) => device !== undefined && pattern.test(device))?.[1];
  if (options.cluster === undefined && known === undefined) {
    const got =
      device === undefined ? "names no GPU" : `names the GPU ${JSON.stringify(device.slice(0, 60))}`;
    throw refusal(file, `${got}: say what to start from, --cluster NAME or FILE`);
  }
  const base = options.cluster === undefined ? clusterPresets[known!]! : readCluster(options.cluster);
  if (isTpu(base.gpu)) throw refusal("--cluster", `expected a cluster of GPUs, got ${base.name}`);
  const isNewer = ncclVersion !== undefined && isKnownVersion(ncclVersion);
  return { ...base, name: `${base.name} (calibrated)`, ...(isNewer && { nccl: ncclVersion }) };
}

function pointsOf(run: BenchmarkRun, base: Cluster, options: CalibrateOptions): CalibrationPoint[] {
  const { file, operation } = run;
  if (operation === undefined)
    throw refusal(
      file,
      "expected the name of all_reduce_perf, all_gather_perf, reduce_scatter_perf or broadcast_perf",
    );
  const nodes = Number(options.nodes ?? run.nodes ?? Number.NaN);
  const ranks = options.gpusPerNode === undefined ? run.ranks : Number(options.gpusPerNode) * nodes;
  const gpusPerNode = (ranks ?? Number.NaN) / nodes;
  if (Number.isNaN(gpusPerNode))
    throw refusal(file, 'has no lines "# Rank ... on HOST": say --nodes and --gpus-per-node');
  if (!(Number.isInteger(gpusPerNode) && gpusPerNode >= 1 && gpusPerNode <= base.gpusPerNode))
    throw refusal(
      file,
      `expected 1 to ${base.gpusPerNode} ranks on each node of ${base.name}, got ${ranks} on ${nodes} nodes`,
    );
  if (nodes * gpusPerNode < 2) throw refusal(file, "expected at least 2 ranks, got 1");
  return run.rows.map(({ bytes, seconds }) => ({
    request: { operation, nodes, gpusPerNode, bytes },
    measuredSeconds: seconds,
  }));
}

function refusal(file: string, message: string): ScenarioError {
  return new ScenarioError([{ file, path: "", message }]);
}

/** A cluster file; the residuals are comments in it. */
function clusterFile(
  { cluster, residuals }: Calibration,
  files: readonly string[],
  given: string | undefined,
): string {
  const { gpu, gpusPerNode, intra, inter, cpu, nccl, launchSeconds } = cluster;
  const micro = (seconds: number): string => `${Number((seconds * 1e6).toPrecision(4))}us`;
  const step =
    inter.stepLatencySeconds === undefined ? "" : `, stepLatency: ${micro(inter.stepLatencySeconds)}`;
  const bandwidth = `${Number((inter.bandwidthBytesPerSecond / 1e9).toPrecision(4))}GB/s`;
  return [
    `# Made by normsim calibrate from ${files.map((file) => JSON.stringify(file)).join(", ")},`,
    `# starting from ${given === undefined ? "the preset of its GPU" : JSON.stringify(given)}.`,
    `name: ${JSON.stringify(cluster.name)}`,
    `gpu: ${gpu}`,
    `gpusPerNode: ${gpusPerNode}`,
    `intra: ${intra}`,
    `inter: { kind: ${inter.kind}, nicsPerNode: ${inter.nicsPerNode}, bandwidth: ${bandwidth}${step} }`,
    ...(cpu === undefined ? [] : [`cpu: ${cpu}`]),
    ...(nccl === undefined ? [] : [`nccl: "${nccl}"`]),
    ...(launchSeconds === undefined ? [] : [`launch: ${micro(launchSeconds)}`]),
    "#",
    ...residualTable(residuals)
      .split("\n")
      .map((line) => `# ${line}`.trimEnd()),
    "",
  ].join("\n");
}

function residualTable(residuals: Calibration["residuals"]): string {
  const micro = (seconds: number): string => String(Number((seconds * 1e6).toPrecision(4)));
  const errors = residuals.map(
    ({ measuredSeconds, predictedSeconds }) => predictedSeconds / measuredSeconds - 1,
  );
  const sorted = errors.map(Math.abs).sort((a, b) => a - b);
  const rows = residuals.map(({ request, measuredSeconds, predictedSeconds }, index) => [
    request.operation,
    `${request.nodes} x ${request.gpusPerNode}`,
    String(request.bytes),
    micro(measuredSeconds),
    micro(predictedSeconds),
    `${(errors[index]! * 100).toFixed(1)} %`,
  ]);
  const heading = ["operation", "ranks", "size (B)", "measured (us)", "predicted (us)", "error"];
  const median = `median error ${(sorted[Math.floor(sorted.length / 2)]! * 100).toFixed(1)} %`;
  return `${alignColumns([heading, ...rows], 1)}\n${median}`;
}
