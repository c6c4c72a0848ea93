import type { CompletedPass } from "../engine/coordinator.ts";
import type { Simulation } from "../engine/simulation.ts";
import { formatFault, ScenarioError } from "../errors.ts";
import type { Extent } from "../kernels/index-sets.ts";
import type { NpyBatches } from "../scenario/npy-source.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Mesh, NormalizerSpec, Scenario } from "../scenario/scenario.ts";
import { measure } from "../simulate.ts";
import { type Subject, subjectOf } from "./subject.ts";

/** One rank's share of the activations that explanations are measured on: [2, 4, 3] on every mesh. */
export const shardExtent: Extent = { samples: 2, channels: 4, positions: 3 };

/** A scenario as written, but for its name. */
export interface WrittenTrial {
  readonly mesh: Partial<Mesh>;
  readonly data: Readonly<Record<string, unknown>>;
  readonly normalizers: readonly Readonly<Record<string, unknown>>[];
  readonly storage?: "float64";
  readonly backward?: boolean;
  readonly trainingSteps?: number;
}

/** Gaussian activations of which every rank of the mesh holds `shardExtent`. */
export function gaussianData({ tensor, sequence }: Mesh): WrittenTrial["data"] {
  return {
    source: "gaussian",
    samples: shardExtent.samples,
    channels: shardExtent.channels * tensor,
    positions: [shardExtent.positions * sequence],
  };
}

/**
 * Check what a trial would run.
 *
 * @throws ScenarioError with the faults of the scenario, without their lines and indices: nobody wrote a
 *   file, and the normalisers are copies.
 */
export function parseTrial(trial: WrittenTrial): Scenario {
  try {
    return parseScenario(JSON.stringify({ name: "explain", ...trial }), "normsim explain");
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const faults = error.faults.map(({ file, path, message }) => ({
      file,
      path: path.replace(/^normalizers\[\d+\]\.?/, ""),
      message,
    }));
    const distinct = new Map(faults.map((fault) => [formatFault(fault), fault]));
    throw new ScenarioError([...distinct.values()], { cause: error });
  }
}

/**
 * Run a trial in this process.
 *
 * @throws ScenarioError if the scenario is refused.
 */
export async function runTrial(
  trial: WrittenTrial,
  onPass: (pass: CompletedPass) => void = () => {},
  batches?: NpyBatches,
): Promise<Simulation> {
  return await measure(parseTrial(trial), { onPass, ...(batches !== undefined && { batches }) });
}

/** A subject's entry with every default filled in. */
export function specOf(subject: Subject): NormalizerSpec {
  const data = { source: "gaussian", samples: 1, channels: shardExtent.channels };
  return parseTrial({ mesh: {}, data, normalizers: [{ name: subject.name, ...subject.entry }] })
    .normalizers[0]!;
}

/** The entries of these subjects, with more fields if given. */
export function entriesOf(names: readonly string[], more: object = {}): WrittenTrial["normalizers"] {
  return names.map((name) => ({ name, ...subjectOf(name).entry, ...more }));
}

/** A refusal in one line. */
export function refusalOf({ faults }: ScenarioError): string {
  return faults.map(({ path, message }) => `${path}: ${message}`).join("; ");
}
