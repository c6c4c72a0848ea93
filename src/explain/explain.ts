import { ScenarioError } from "../errors.ts";
import type { Axis } from "../kernels/index-sets.ts";
import type { Mesh } from "../scenario/scenario.ts";
import { type Crossover, findCrossover } from "./crossover.ts";
import { type Evidence, findEvidence } from "./dependency.ts";
import { type MeshVerdict, meshVerdicts } from "./meshes.ts";
import { measureReasons, type Reasons } from "./reasons.ts";
import { type RuledCollective, ruleOf } from "./rule.ts";
import { type Subject, subjectsOf } from "./subject.ts";
import { type ToySet, workToy } from "./toy.ts";
import { refusalOf, shardExtent, specOf } from "./trial.ts";
import { parseMesh } from "./written-mesh.ts";

/** Why one normaliser sends what it sends: the rule, and a run that shows it. */
export interface NormalizerExplanation {
  readonly name: string;
  readonly reduces: readonly Axis[];
  /** Axes it reduces over that the mesh shards. */
  readonly sharded: readonly Axis[];
  /** Of one training step, by the rule. */
  readonly collectives: readonly RuledCollective[];
  /** One rank's contributions to them. */
  readonly payloadBytes: number;
  /** The rule's derivation in words. */
  readonly because: string;
  /** Measured: messages of all ranks in one training step; null if the run was refused. */
  readonly messages: number | null;
  /** Measured: bytes of these messages; null likewise. */
  readonly wireBytes: number | null;
  /** Measured, ranks by ranks: [i][j] is 1 if rank i's y (forward) or dx (backward) depends on rank j's x. */
  readonly dependency: Evidence["dependency"] | null;
  /** Why it was not run. */
  readonly notRun?: string;
}

/** Everything that `normsim explain` shows. */
export interface Explanation {
  readonly mesh: Mesh;
  readonly normalizers: readonly NormalizerExplanation[];
  /** The two samples worked through, one list for each normaliser. */
  readonly toy: readonly (readonly ToySet[])[];
  /** The rule on data, tensor and sequence meshes. */
  readonly meshes: readonly MeshVerdict[];
  readonly crossover: Crossover;
  readonly reasons: Reasons;
}

/**
 * Why does a normaliser communicate, or not? By its axes, and measured by perturbing every rank in turn.
 *
 * @param request names of normalisers (none: those that contrast best), and a mesh such as `data=4`, its default.
 * @throws ScenarioError on an unknown name, a malformed mesh, or a mesh on which none of them can be run.
 */
export async function explain(
  request: { readonly normalizers?: readonly string[]; readonly mesh?: string } = {},
): Promise<Explanation> {
  const { subjects, mesh } = readRequest(request);
  return {
    mesh,
    normalizers: await explainEach(subjects, mesh),
    toy: await Promise.all(subjects.map(workToy)),
    meshes: await meshVerdicts(subjects),
    crossover: findCrossover(),
    reasons: await measureReasons(),
  };
}

/** Faults of both parts at once. */
function readRequest({ normalizers, mesh }: { normalizers?: readonly string[]; mesh?: string }): {
  subjects: Subject[];
  mesh: Mesh;
} {
  const [subjects, parsed] = [
    attempt(() => subjectsOf(normalizers)),
    attempt(() => parseMesh(mesh ?? "data=4")),
  ];
  if (subjects instanceof ScenarioError || parsed instanceof ScenarioError)
    throw new ScenarioError(
      [subjects, parsed].flatMap((it) => (it instanceof ScenarioError ? it.faults : [])),
    );
  return { subjects, mesh: parsed };
}

function attempt<T>(action: () => T): T | ScenarioError {
  try {
    return action();
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
}

async function explainEach(subjects: readonly Subject[], mesh: Mesh): Promise<NormalizerExplanation[]> {
  const explanations: NormalizerExplanation[] = [];
  const refusals: ScenarioError[] = [];
  for (const subject of subjects) {
    const { groupSize: _, ...rule } = ruleOf(specOf(subject), mesh, shardExtent);
    const base = { name: subject.name, ...rule };
    try {
      explanations.push({ ...base, ...(await findEvidence(subject, mesh)) });
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      refusals.push(error);
      explanations.push({
        ...base,
        messages: null,
        wireBytes: null,
        dependency: null,
        notRun: refusalOf(error),
      });
    }
  }
  if (refusals.length === subjects.length) throw refusals[0]!;
  return explanations;
}
