import type { Host } from "../../engine/host.ts";
import { spreadHost } from "../../engine/spread/spread-host.ts";
import { spreadObjections } from "../../engine/spread/spreadable.ts";
import { ScenarioError } from "../../errors.ts";
import { readDocument } from "../../scenario/document.ts";
import type { ScenarioInput } from "../scenario-files.ts";
import { pointKey, SweepFiles } from "../sweep/point-inputs.ts";
import { redisBlocks } from "./redis-blocks.ts";

/** Blocks of a spread run, if a scenario has as many data ranks. */
const usualBlocks = 8;

/** Where and how a run is spread. */
export interface SpreadOptions {
  readonly redis: string;
  readonly blocks?: number;
  /** Instead of the scenario's, which has it already. */
  readonly seed?: number;
}

/**
 * A host that runs a scenario by the workers of a Redis, its ranks in blocks.
 *
 * @param onNote hears what is worth knowing meanwhile.
 * @throws ScenarioError with what of the scenario cannot be spread.
 */
export function redisHost(
  path: string,
  { scenario, text }: ScenarioInput,
  { redis, blocks, seed }: SpreadOptions,
  onNote: (note: string) => void,
): Host {
  const objections = spreadObjections(scenario);
  if (objections.length > 0)
    throw new ScenarioError(objections.map((objection) => ({ file: path, ...objection })));
  const files = new SweepFiles(path);
  const hashes = files.hashes(scenario);
  const written =
    seed === undefined ? text : JSON.stringify({ ...(readDocument(text, path).value as object), seed });
  const point = { key: pointKey(scenario, hashes), written, files: hashes };
  const connect = () => redisBlocks(redis, { point, files, onNote });
  return spreadHost(blocks ?? usualBlocks, connect, () => performance.now() / 1000);
}
