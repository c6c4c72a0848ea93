import { existsSync } from "node:fs";
import type { Cluster } from "../cost/cluster.ts";
import { clusterPresets } from "../cost/presets.ts";
import { ScenarioError } from "../errors.ts";
import { parseCluster } from "../scenario/cluster-document.ts";
import { didYouMean } from "../scenario/suggestion.ts";
import { readTextFile } from "./files.ts";

/**
 * The cluster that a command names: a preset, or a YAML or JSON file.
 *
 * @throws ScenarioError if it is neither, or the file is no cluster.
 */
export function readCluster(nameOrFile: string): Cluster {
  if (Object.hasOwn(clusterPresets, nameOrFile)) return clusterPresets[nameOrFile]!;
  if (existsSync(nameOrFile) || /[./\\]/.test(nameOrFile))
    return parseCluster(readTextFile(nameOrFile), nameOrFile);
  const hint = didYouMean(nameOrFile, Object.keys(clusterPresets));
  const message = `expected a cluster that normsim list clusters prints, or a file, got ${JSON.stringify(nameOrFile)}${hint}`;
  throw new ScenarioError([{ file: "--cluster", path: "", message }]);
}
