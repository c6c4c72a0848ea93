import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  allGatherAlgorithms,
  allReduceAlgorithms,
  broadcastAlgorithms,
  reduceScatterAlgorithms,
} from "../collectives/algorithms.ts";
import { frameworkProfile, profileNames } from "../cost/frameworks/profiles.ts";
import { modelNames } from "../cost/models/registry.ts";
import { clusterPresets } from "../cost/presets.ts";
import { ScenarioError } from "../errors.ts";
import { implementations } from "../normalizers/implementations.ts";
import { normalizerTypes } from "../normalizers/registry.ts";
import { type ImplementationName, implementationNames } from "../scenario/implementation-names.ts";
import { didYouMean } from "../scenario/suggestion.ts";
import { packageFolder } from "./package-files.ts";

const scenarioFolder = fileURLToPath(new URL("scenarios/", packageFolder));

const lists: Readonly<Record<string, () => readonly string[]>> = {
  models: () => modelNames,
  clusters: () => Object.keys(clusterPresets),
  normalizers: () => normalizerTypes,
  collectives: () => [
    `all-reduce: ${allReduceAlgorithms.join(", ")}`,
    `all-gather: ${allGatherAlgorithms.join(", ")}`,
    `reduce-scatter: ${reduceScatterAlgorithms.join(", ")}`,
    `broadcast: ${broadcastAlgorithms.join(", ")}`,
  ],
  implementations: listImplementations,
  scenarios: () =>
    readdirSync(scenarioFolder)
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => `${scenarioFolder}${name}`),
};

/** Each name, the commands that take it, and what it is. */
function listImplementations(): string[] {
  const runs = new Set<string>(implementationNames);
  const names = [...implementationNames, ...profileNames.filter((name) => !runs.has(name))];
  const widest = Math.max(...names.map((name) => name.length));
  return names.map((name) => {
    const profile = frameworkProfile(name);
    const uses = [...(runs.has(name) ? ["run"] : []), ...(profile === undefined ? [] : ["estimate"])];
    const title = runs.has(name) ? implementations[name as ImplementationName].title : profile!.title;
    return `${name.padEnd(widest)}  ${uses.join(", ").padEnd("run, estimate".length)}  ${title}`;
  });
}

/**
 * What a scenario can name, one a line.
 *
 * @throws ScenarioError if there is no such list.
 */
export function list(what: string): string {
  const names = Object.hasOwn(lists, what) ? lists[what] : undefined;
  if (names === undefined) {
    const known = Object.keys(lists);
    const message = `no list of ${JSON.stringify(what)}; there are ${known.join(", ")}${didYouMean(what, known)}`;
    throw new ScenarioError([{ file: "normsim list", path: "", message }]);
  }
  return `${names().join("\n")}\n`;
}
