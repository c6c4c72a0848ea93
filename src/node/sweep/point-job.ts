import { ScenarioError } from "../../errors.ts";
import { parseScenario } from "../../scenario/parse.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { engineVersion } from "./engine-version.ts";
import { filesNamedBy, pointKey } from "./point-inputs.ts";
import type { KeyedPoint } from "./sweep-points.ts";

/** A point as it travels to a worker: data only. */
export interface PointJob {
  readonly key: string;
  readonly engine: string;
  /** JSON text of the scenario as written. */
  readonly scenario: string;
  /** Content hash of each file that the scenario names; the bytes are in Redis by that hash. */
  readonly files: Readonly<Record<string, string>>;
}

/** A job that was checked. */
export type ReadJob = PointJob & { readonly parsed: Scenario };

/** The job of a point. */
export function jobOf({ key, written, files }: Pick<KeyedPoint, "key" | "written" | "files">): PointJob {
  return { key, engine: engineVersion, scenario: written, files };
}

/**
 * Check what arrived as a job, by the same schema as a scenario file: nothing of it is believed, and
 * its key must be the one that this worker computes.
 *
 * @throws ScenarioError that says what is wrong with it.
 */
export function readJob(data: unknown): ReadJob {
  const { key, engine, scenario, files } = (data ?? {}) as Partial<Record<keyof PointJob, unknown>>;
  if (typeof scenario !== "string" || typeof engine !== "string" || typeof key !== "string")
    throw fault("expected a key, an engine and a scenario as text");
  if (engine !== engineVersion)
    throw fault(`the sweep was started by normsim ${engine.slice(0, 40)}, this worker is ${engineVersion}`);
  const hashes = readHashes(files);
  const parsed = parseScenario(scenario, "job");
  const missing = filesNamedBy(parsed).find((path) => !Object.hasOwn(hashes, path));
  if (missing !== undefined) throw fault(`no content hash of ${JSON.stringify(missing)}`);
  if (pointKey(parsed, hashes) !== key) throw fault("its key is not that of its scenario");
  return { key, engine, scenario, files: hashes, parsed };
}

function readHashes(files: unknown): Record<string, string> {
  if (typeof files !== "object" || files === null) throw fault("expected a map of content hashes");
  const entries = Object.entries(files);
  if (!entries.every(([, hash]) => typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash)))
    throw fault("expected SHA-256 hashes of its files");
  return Object.fromEntries(entries);
}

function fault(message: string): ScenarioError {
  return new ScenarioError([{ file: "job", path: "", message }]);
}
