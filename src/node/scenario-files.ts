import { dirname, resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import type { Fault } from "../errors.ts";
import { isFileSource } from "../scenario/data-source.ts";
import type { NpyBatches } from "../scenario/npy-source.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { readBytes, readTextFile } from "./files.ts";

const relative = "; paths in a scenario are relative to the scenario file";

/** A scenario and the arrays its files hold, if its data are files. */
export interface ScenarioInput {
  readonly scenario: Scenario;
  readonly batches: NpyBatches | null;
  /** The scenario as it was written. */
  readonly text: string;
}

/** A scenario file as text, or standard input for `-`, and what to call it in faults. */
export async function readWritten(path: string): Promise<{ readonly name: string; readonly text: string }> {
  return path === "-"
    ? { name: "<stdin>", text: await textOf(process.stdin) }
    : { name: path, text: readTextFile(path, relative) };
}

/** What reads the files that a scenario names: relative to its file, or to the working folder where it is standard input. */
export function readerFor(path: string): (file: string) => Uint8Array | Fault {
  const folder = path === "-" ? process.cwd() : dirname(resolve(path));
  return (file) => readBytes(resolve(folder, file), file, relative);
}

/**
 * Read a scenario file, or standard input for `-`, and the files it names, relative to itself.
 *
 * @throws ScenarioError with every fault of the scenario, or else of its files.
 */
export async function readScenario(path: string): Promise<ScenarioInput> {
  const { name, text } = await readWritten(path);
  const scenario = parseScenario(text, name);
  if (!isFileSource(scenario.data)) return { scenario, batches: null, text };
  const { resolveFileSource } = await import("../scenario/file-source.ts");
  const batches = resolveFileSource(scenario.data, scenario.storage, readerFor(path), scenario.mesh);
  return { scenario, batches, text };
}
