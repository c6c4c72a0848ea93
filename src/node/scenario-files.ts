import { dirname, resolve } from "node:path";
import { text } from "node:stream/consumers";
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

/**
 * Read a scenario file, or standard input for `-`, and the files it names, relative to itself.
 *
 * @throws ScenarioError with every fault of the scenario, or else of its files.
 */
export async function readScenario(path: string): Promise<ScenarioInput> {
  const isStdin = path === "-";
  const name = isStdin ? "<stdin>" : path;
  const written = isStdin ? await text(process.stdin) : readTextFile(path, relative);
  const scenario = parseScenario(written, name);
  if (!isFileSource(scenario.data)) return { scenario, batches: null, text: written };
  const { resolveFileSource } = await import("../scenario/file-source.ts");
  const folder = isStdin ? process.cwd() : dirname(resolve(path));
  const read = (file: string): Uint8Array | Fault => readBytes(resolve(folder, file), file, relative);
  const batches = resolveFileSource(scenario.data, scenario.storage, read, scenario.mesh);
  return { scenario, batches, text: written };
}
