import { createHash } from "node:crypto";
import { type Fault, ScenarioError } from "../../errors.ts";
import { isFileSource } from "../../scenario/data-source.ts";
import { filesOf, resolveFileSource } from "../../scenario/file-source.ts";
import type { NpyBatches } from "../../scenario/npy-source.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { identityOf } from "../../sweep/identity.ts";
import { readerFor } from "../scenario-files.ts";
import { engineVersion } from "./engine-version.ts";

/** SHA-256 of bytes or text, in hexadecimal. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** What a point is called wherever its result is kept: its scenario, its files' contents and the engine, hashed. */
export function pointKey(scenario: Scenario, files: Readonly<Record<string, string>>): string {
  return sha256(identityOf({ scenario, files, engine: engineVersion }));
}

/** The files that a scenario names, as it writes them; none where its data are drawn. */
export function filesNamedBy({ data }: Scenario): string[] {
  return isFileSource(data) ? filesOf(data) : [];
}

/** The arrays of a scenario whose data are files, of whose bytes `read` knows; else null. */
export function batchesOf(
  { data, storage, mesh }: Scenario,
  read: (path: string) => Uint8Array | Fault,
): NpyBatches | null {
  return isFileSource(data) ? resolveFileSource(data, storage, read, mesh) : null;
}

/** Files of the scenarios of a sweep: each is read once, and known by its content. */
export class SweepFiles {
  readonly #readBytes: (path: string) => Uint8Array | Fault;
  readonly #read = new Map<string, { readonly bytes: Uint8Array; readonly hash: string } | Fault>();

  /** Paths are relative to the scenario file; to the working folder where it is standard input. */
  constructor(scenarioPath: string) {
    this.#readBytes = readerFor(scenarioPath);
  }

  bytes(path: string): Uint8Array | Fault {
    const file = this.#file(path);
    return "bytes" in file ? file.bytes : file;
  }

  /**
   * Content hash of each file that a scenario names.
   *
   * @throws ScenarioError with every file that cannot be read.
   */
  hashes(scenario: Scenario): Record<string, string> {
    const files = filesNamedBy(scenario).map((path) => ({ path, file: this.#file(path) }));
    const faults = files.flatMap(({ file }) => ("bytes" in file ? [] : [file]));
    if (faults.length > 0) throw new ScenarioError(faults);
    return Object.fromEntries(files.map(({ path, file }) => [path, "hash" in file ? file.hash : ""]));
  }

  #file(path: string) {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const bytes = this.#readBytes(path);
    const file = bytes instanceof Uint8Array ? { bytes, hash: sha256(bytes) } : bytes;
    this.#read.set(path, file);
    return file;
  }
}
