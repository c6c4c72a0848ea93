import type { Cluster } from "../cost/cluster.ts";
import { ScenarioError } from "../errors.ts";
import { readClusterValue } from "./cluster-schema.ts";
import { readDocument } from "./document.ts";

/**
 * Read a cluster from YAML or JSON text: all of it, or a preset and what differs.
 *
 * `file` only names the text in faults.
 *
 * @throws ScenarioError with every fault there is.
 */
export function parseCluster(text: string, file: string): Cluster {
  const document = readDocument(text, file);
  const { data, findings } = readClusterValue(document.value);
  const faults = [
    ...document.faults,
    ...findings.map(({ path, at, message }) => document.fault(path, at, message)),
  ];
  if (faults.length > 0 || data === undefined) throw new ScenarioError(faults);
  return data;
}
