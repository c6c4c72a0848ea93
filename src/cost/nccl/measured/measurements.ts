import { assert } from "../../../assert.ts";
import type { Algorithm, CollectiveOperation, CollectiveRequest, Protocol } from "../request.ts";
import { measuredCases } from "./cases.ts";
import { measuredClusters } from "./clusters.ts";
import { measuredRows } from "./rows.ts";

/** One size of a published run. */
export interface MeasuredPoint {
  readonly bytes: number;
  /** Mean of out of place and in place, or the lower where one is beyond 1.5 times the other. */
  readonly seconds: number;
}

/** A published run of nccl-tests. */
export interface MeasuredCase {
  readonly name: string;
  /** Who measured: what is left out together. */
  readonly site: string;
  readonly trust: "high" | "medium" | "low";
  readonly isFitted: boolean;
  /** Everything but the size. */
  readonly request: Omit<CollectiveRequest, "bytes">;
  /** Sizes above are shown, not fitted. */
  readonly fittedBytesMaximum: number;
  readonly source: string;
  readonly note: string;
  readonly points: readonly MeasuredPoint[];
}

/** Every published run that is shipped. */
export function measuredCollectives(): readonly MeasuredCase[] {
  const rows = new Map(lines(measuredRows).map((line) => [line.slice(0, line.indexOf(" ")), pointsOf(line)]));
  return lines(measuredCases).map((line) => caseOf(line, rows));
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function pointsOf(line: string): MeasuredPoint[] {
  return line
    .split(" ")
    .slice(1)
    .map((entry) => {
      const [bytes, microseconds] = entry.split(":");
      const times = microseconds!.split("/").map(Number);
      const [low, high] = [Math.min(...times), Math.max(...times)];
      return { bytes: Number(bytes), seconds: (high > 1.5 * low ? low : (low + high) / 2) / 1e6 };
    });
}

function caseOf(line: string, rows: ReadonlyMap<string, readonly MeasuredPoint[]>): MeasuredCase {
  const fields = line.split(" | ");
  assert(fields.length === 13, `a measured case has 13 fields, got ${fields.length}: ${line}`);
  const [name, site, trust, use, cluster, nodes, gpusPerNode, nccl, operation, pin, upTo, source, note] =
    fields as [string, ...string[]] & { length: 13 };
  const [algorithm, protocol] = pin === "-" ? [] : pin!.split("/");
  return {
    name,
    site: site!,
    trust: trust as MeasuredCase["trust"],
    isFitted: use === "fit",
    request: {
      cluster: measuredClusters[cluster!]!,
      operation: operation as CollectiveOperation,
      nodes: Number(nodes),
      gpusPerNode: Number(gpusPerNode),
      ncclVersion: nccl!.replace("?", ""),
      ...(algorithm && { algorithm: algorithm as Algorithm }),
      ...(protocol && { protocol: protocol as Protocol }),
    },
    fittedBytesMaximum: upTo === "-" ? Number.POSITIVE_INFINITY : Number(upTo),
    source: source!,
    note: note!,
    points: rows.get(name)!,
  };
}
