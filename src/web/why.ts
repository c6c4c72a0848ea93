import { ScenarioError } from "../errors.ts";
import { findEvidence } from "../explain/dependency.ts";
import { ruleOf } from "../explain/rule.ts";
import { refusalOf, shardExtent } from "../explain/trial.ts";
import type { Chart } from "../report/html/chart.ts";
import { dependencyChart } from "../report/html/explain-page.ts";
import { worldSizeOf } from "../scenario/resolution.ts";
import type { NormalizerSpec, Scenario } from "../scenario/scenario.ts";

/** Ranks that are perturbed in turn: beyond, a change of a control would take too long to answer. */
const ranksMaximum = 16;

/** Why one normaliser sends what it sends. */
export interface Reason {
  readonly name: string;
  /** The axis rule in words. */
  readonly because: string;
  readonly maps: readonly Chart[];
  /** Why nothing was measured; empty if it was. */
  readonly notMeasured: string;
}

/**
 * Why one normaliser of a scenario sends what it sends: by the rule, and measured by perturbing every rank in turn, on small
 * Gaussian activations.
 */
export async function reasonOf({ normalizers, mesh }: Scenario, index: number): Promise<Reason> {
  const spec = normalizers[index]!;
  const { because } = ruleOf(spec, mesh, shardExtent);
  return { name: spec.name, because, ...(await measured(spec, mesh)) };
}

async function measured(
  spec: NormalizerSpec,
  mesh: Scenario["mesh"],
): Promise<Pick<Reason, "maps" | "notMeasured">> {
  if (worldSizeOf(mesh) > ranksMaximum)
    return { maps: [], notMeasured: `Measured up to ${ranksMaximum} ranks, which are perturbed in turn.` };
  const { name, weight: _, bias: __, ...entry } = spec;
  try {
    const { dependency } = await findEvidence({ name, entry }, mesh);
    return {
      maps: [
        dependencyChart(name, "y", dependency.forward),
        dependencyChart(name, "dx", dependency.backward),
      ],
      notMeasured: "",
    };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return { maps: [], notMeasured: `Not measured: ${refusalOf(error)}.` };
  }
}
