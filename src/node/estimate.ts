import { existsSync, writeFileSync } from "node:fs";
import type { Cluster } from "../cost/cluster.ts";
import { estimate as estimateStep } from "../cost/estimate/estimate.ts";
import { estimateTrace, stepSlices } from "../cost/estimate/trace.ts";
import { parseRequest, type WrittenRequest } from "../cost/estimate/written-request.ts";
import { parseLayers } from "../cost/import/layers-document.ts";
import type { ModelLayers } from "../cost/models/model.ts";
import { modelNames } from "../cost/models/registry.ts";
import { clusterPresets } from "../cost/presets.ts";
import { chromeTrace } from "../cost/trace/chrome-trace.ts";
import { summaryOf } from "../report/estimate-summary.ts";
import { estimatePage } from "../report/html/estimate-page.ts";
import type { Overview } from "../report/overview.ts";
import { readCluster } from "./cluster-files.ts";
import { checkWritable, readTextFile } from "./files.ts";
import { optionsOf, writeHtml } from "./html.ts";
import { renderOverview } from "./terminal-table.ts";
import { terminalWidth, wrap } from "./terminal-text.ts";

/** The options of `normsim estimate`, as text. */
export interface EstimateOptions extends Omit<WrittenRequest, "cluster" | "model"> {
  /** The name of a model, or a file of layers. */
  readonly model: string;
  /** The name of a preset, or a YAML or JSON file. */
  readonly cluster: string;
  readonly json?: boolean;
  /** File for the timeline, as a Chrome trace. */
  readonly trace?: string;
  /** File for a page with charts. */
  readonly html?: string;
}

/** Estimate a step and write what the options ask for. */
export async function estimate({ json, trace, html, ...written }: EstimateOptions): Promise<void> {
  const request = parseRequest({
    ...written,
    model: modelOf(written.model),
    cluster: clusterOf(written.cluster),
  });
  checkWritable({ html });
  const result = estimateStep(request);
  if (html !== undefined)
    writeHtml(html, ["estimate", ...optionsOf({ ...written })], (origin, digest) =>
      estimatePage({ estimate: result, slices: stepSlices(request), origin }, digest),
    );
  if (trace !== undefined) {
    const told = { model: result.model, cluster: result.cluster, gpus: `${result.gpus}` };
    writeFileSync(trace, `${JSON.stringify(chromeTrace(estimateTrace(request), told))}\n`);
  }
  if (json === true) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const { heading, steps, breakdown, groups, advice, notes } = summaryOf(result);
  const blocks = [
    heading,
    ...[steps, breakdown, groups].map(table),
    paragraph(advice),
    notes.map((note) => paragraph(`note: ${note}`)).join("\n"),
  ];
  process.stdout.write(`${blocks.join("\n\n")}\n`);
}

/** A file is read here; names are found, or refused with everything else, by the request. */
function clusterOf(nameOrFile: string): string | Cluster {
  const isFile = !Object.hasOwn(clusterPresets, nameOrFile) && existsSync(nameOrFile);
  return isFile ? readCluster(nameOrFile) : nameOrFile;
}

/** The same for a model. */
function modelOf(nameOrFile: string): string | ModelLayers {
  const isFile = !modelNames.includes(nameOrFile) && (existsSync(nameOrFile) || nameOrFile.endsWith(".json"));
  return isFile ? parseLayers(readTextFile(nameOrFile), nameOrFile) : nameOrFile;
}

function table(overview: Overview): string {
  return `${overview.heading}\n${renderOverview(overview, terminalWidth())}`;
}

function paragraph(text: string): string {
  return wrap(text, terminalWidth()).join("\n");
}
