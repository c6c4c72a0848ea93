import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { type Fault, ScenarioError } from "../errors.ts";
import { type NpyBatches, resolveNpySource } from "../scenario/npy-source.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** A scenario and the arrays its files hold, if its data are files. */
export interface ScenarioInput {
  readonly scenario: Scenario;
  readonly batches: NpyBatches | null;
}

/**
 * Read a scenario file, or standard input for `-`, and the files it names, relative to itself.
 *
 * @throws ScenarioError with every fault of the scenario, or else of its files.
 */
export async function readScenario(path: string): Promise<ScenarioInput> {
  const isStdin = path === "-";
  const name = isStdin ? "<stdin>" : path;
  const scenario = parseScenario(isStdin ? await text(process.stdin) : readText(path), name);
  if (scenario.data.source !== "npy") return { scenario, batches: null };
  const folder = isStdin ? process.cwd() : dirname(resolve(path));
  const batches = resolveNpySource(scenario.data, scenario.storage, (file) =>
    readBytes(resolve(folder, file), file),
  );
  return { scenario, batches };
}

function readText(path: string): string {
  const bytes = readBytes(path, path);
  if (bytes instanceof Uint8Array) return new TextDecoder().decode(bytes);
  throw new ScenarioError([bytes]);
}

function readBytes(path: string, name: string): Uint8Array | Fault {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { file: name, path: "", message: reasons[code ?? ""] ?? `cannot be read (${code})` };
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file; paths in a scenario are relative to the scenario file",
  EISDIR: "is a folder, expected a file",
  EACCES: "is not readable by this user",
};
