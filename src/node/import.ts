import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";
import type { ImportedLayer, ImportedLayers } from "../cost/import/imported-layers.ts";
import { layersText } from "../cost/import/layers-document.ts";
import { readOnnxGraph } from "../cost/import/onnx-graph.ts";
import { onnxLayers } from "../cost/import/onnx-layers.ts";
import type { ByteSource } from "../cost/import/protobuf.ts";
import { safetensorsLayers } from "../cost/import/safetensors-layers.ts";
import { ScenarioError } from "../errors.ts";
import { FormatError } from "../scenario/format-error.ts";
import { parseScenario } from "../scenario/parse.ts";
import {
  parseSafetensorsHeader,
  safetensorsHeaderEnd,
  safetensorsPrefixBytes,
} from "../scenario/safetensors-header.ts";
import { didYouMean } from "../scenario/suggestion.ts";
import { fileFault } from "./files.ts";

/** The options of `normsim import`, as text. */
export interface ImportOptions {
  readonly layer?: string;
  readonly gpus: string;
  readonly microbatch: string;
  readonly positions?: string;
}

/**
 * Print the layers of a model file, or a scenario of one of them. Weights are not read.
 *
 * @throws ScenarioError if the file is no model with batch normalisation, or has no such layer.
 */
export function importModel(path: string, options: ImportOptions): void {
  const imported = readLayers(path);
  const title = basename(path)
    .replace(/\P{ASCII}|\p{Cc}/gu, "?")
    .slice(0, 100);
  if (options.layer !== undefined) {
    process.stdout.write(scenarioText(path, title, layerNamed(options.layer, path, imported), options));
    return;
  }
  process.stdout.write(layersText(title, imported));
  for (const note of imported.notes) process.stderr.write(`note: ${note}\n`);
}

function readLayers(path: string): ImportedLayers {
  const source = openSource(path);
  try {
    if (!path.endsWith(".safetensors")) return onnxLayers(readOnnxGraph(source));
    const head = source.read(0, Math.min(source.byteCount, safetensorsPrefixBytes));
    const end = safetensorsHeaderEnd(head, source.byteCount);
    return safetensorsLayers(parseSafetensorsHeader(source.read(0, end), source.byteCount));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw refusal(path, error.message);
  } finally {
    source.close();
  }
}

function openSource(path: string): ByteSource & { close(): void } {
  try {
    const file = openSync(path, "r");
    const read = (start: number, end: number): Uint8Array => {
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length; ) {
        const got = readSync(file, bytes, done, bytes.length - done, start + done);
        if (got === 0) throw new FormatError("the file became shorter while it was read");
        done += got;
      }
      return bytes;
    };
    const stat = fstatSync(file);
    if (stat.isFile()) return { byteCount: stat.size, read, close: () => closeSync(file) };
    closeSync(file);
  } catch (error) {
    throw new ScenarioError([fileFault(error, path)]);
  }
  throw refusal(path, "is not a file that can be read in places");
}

function layerNamed(name: string, path: string, { layers }: ImportedLayers): ImportedLayer {
  const norms = layers.filter(({ kind }) => kind === "batch-norm");
  const found = norms.find((layer) => layer.name === name);
  if (found !== undefined) return found;
  const names = norms.map((layer) => layer.name);
  const shown = `${names.slice(0, 10).join(", ")}${names.length > 10 ? `, ... (${names.length})` : ""}`;
  throw refusal(path, `no batch norm ${JSON.stringify(name)}; there are ${shown}${didYouMean(name, names)}`);
}

/** A scenario of one layer, which `parseScenario` has taken. */
function scenarioText(
  path: string,
  title: string,
  { name, channels, positions }: ImportedLayer,
  options: ImportOptions,
): string {
  const wanted = options.positions === undefined ? positions : Number(options.positions);
  if (wanted === null)
    throw refusal(path, "expected --positions beside --layer: the file does not say how many the layer sees");
  const text = `${[
    `name: ${JSON.stringify(`${name.slice(0, 50)} of ${title}`.slice(0, 100))}`,
    `mesh: { data: ${JSON.stringify(Number(options.gpus))} }`,
    "data:",
    "  source: gaussian",
    `  samples: ${JSON.stringify(Number(options.microbatch))}`,
    `  channels: ${channels}`,
    `  positions: ${JSON.stringify(wanted)}`,
    "normalizers:",
    "  - { name: local BN, type: batch-norm, group: rank }",
    "  - { name: SyncBN, type: batch-norm, group: world }",
  ].join("\n")}\n`;
  parseScenario(text, `normsim import ${path}`);
  return text;
}

function refusal(file: string, message: string): ScenarioError {
  return new ScenarioError([{ file, path: "", message }]);
}
