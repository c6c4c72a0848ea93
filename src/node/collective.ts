import type { Cluster } from "../cost/cluster.ts";
import { isTpu } from "../cost/clusters/gpus.ts";
import { type CollectivePrediction, predictCollective } from "../cost/nccl/predict.ts";
import { type CollectiveOperation, collectiveOperations } from "../cost/nccl/request.ts";
import { isKnownVersion, knownVersions } from "../cost/nccl/version.ts";
import { type Fault, ScenarioError } from "../errors.ts";
import { parseBytes } from "../scenario/quantities.ts";
import { didYouMean } from "../scenario/suggestion.ts";
import { readCluster } from "./cluster-files.ts";
import { alignColumns } from "./columns.ts";

/** The options of `normsim collective`, as written. */
export interface CollectiveOptions {
  readonly cluster: string;
  /** Default 1. */
  readonly nodes?: string;
  /** Default: all of the cluster's. */
  readonly gpusPerNode?: string;
  /** Sizes between commas, as nccl-tests counts them. */
  readonly bytes: string;
  readonly nccl?: string;
  readonly json?: boolean;
}

interface Row extends CollectivePrediction {
  readonly sizeBytes: number;
}

const ranksMaximum = 2 ** 20;

/**
 * Print what a collective takes on a cluster, in nccl-tests' columns.
 *
 * @throws ScenarioError with every fault of the arguments.
 */
export async function collective(operation: string, options: CollectiveOptions): Promise<void> {
  const cluster = readCluster(options.cluster);
  const faults: Fault[] = [];
  const known = operationOf(operation, faults);
  const nodes = countOf("--nodes", options.nodes ?? "1", ranksMaximum, faults);
  const gpus = options.gpusPerNode ?? String(cluster.gpusPerNode);
  const gpusPerNode = countOf("--gpus-per-node", gpus, cluster.gpusPerNode, faults);
  const sizes = options.bytes.split(",").map((text) => sizeOf(text, faults));
  if (options.nccl !== undefined && !isKnownVersion(options.nccl))
    faults.push(
      fault("--nccl", `expected a version of NCCL, ${knownVersions}, got ${JSON.stringify(options.nccl)}`),
    );
  if (faults.length > 0) throw new ScenarioError(faults);
  const ncclVersion = options.nccl ?? cluster.nccl;
  const rows = sizes.map((bytes): Row => {
    const request = { cluster, operation: known, nodes, gpusPerNode, bytes };
    return { sizeBytes: bytes, ...predictCollective({ ...request, ...(ncclVersion && { ncclVersion }) }) };
  });
  const notes = [...new Set(rows.flatMap((row) => row.notes))];
  const head = {
    operation: known,
    cluster: cluster.name,
    nodes,
    gpusPerNode,
    nccl: ncclVersion ?? newestOf(cluster),
  };
  if (options.json === true) {
    const plain = rows.map(({ notes: _, ...row }) => row);
    process.stdout.write(`${JSON.stringify({ ...head, rows: plain, notes }, null, 2)}\n`);
    return;
  }
  const nccl = isTpu(cluster.gpu) ? "" : `, NCCL ${head.nccl}`;
  const heading = `${known} on ${cluster.name}: ${nodes} x ${gpusPerNode} ranks${nccl}`;
  const legend = "low and high: 80 % band. uncorrected: NCCL's own model, which is made to rank algorithms.";
  process.stdout.write(
    `${[heading, "", table(rows), "", legend, ...notes.map((note) => `note: ${note}`)].join("\n")}\n`,
  );
}

function newestOf(cluster: Cluster): string | null {
  return isTpu(cluster.gpu) ? null : `2.${knownVersions.split(".").at(-1)}`;
}

function table(rows: readonly Row[]): string {
  const micro = (seconds: number): string => String(Number((seconds * 1e6).toPrecision(4)));
  const giga = (bandwidth: number): string => (bandwidth / 1e9).toFixed(2);
  return alignColumns([
    [
      "size (B)",
      "time (us)",
      "algbw (GB/s)",
      "busbw (GB/s)",
      "algorithm",
      "protocol",
      "low (us)",
      "high (us)",
      "uncorrected (us)",
    ],
    ...rows.map((row) => [
      String(row.sizeBytes),
      micro(row.seconds),
      giga(row.algorithmBandwidth),
      giga(row.busBandwidth),
      row.algorithm,
      row.protocol,
      micro(row.lowSeconds),
      micro(row.highSeconds),
      micro(row.uncorrectedSeconds),
    ]),
  ]);
}

function operationOf(text: string, faults: Fault[]): CollectiveOperation {
  const operation = collectiveOperations.find((known) => known === text);
  if (operation !== undefined) return operation;
  const hint = didYouMean(text, collectiveOperations);
  faults.push(
    fault(
      "normsim collective",
      `expected ${collectiveOperations.join(", ")}, got ${JSON.stringify(text)}${hint}`,
    ),
  );
  return "all-reduce";
}

function countOf(option: string, text: string, most: number, faults: Fault[]): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  faults.push(fault(option, `expected a whole number from 1 to ${most}, got ${JSON.stringify(text)}`));
  return 1;
}

function sizeOf(text: string, faults: Fault[]): number {
  const size = parseBytes(text);
  if ("value" in size && size.value > 0) return size.value;
  faults.push(fault("--bytes", "fault" in size ? size.fault : "expected more than 0 bytes"));
  return 1;
}

function fault(file: string, message: string): Fault {
  return { file, path: "", message };
}
