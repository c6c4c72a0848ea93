import { ScenarioError } from "../errors.ts";
import type { Mesh } from "../scenario/scenario.ts";
import { type Rule, ruleOf } from "./rule.ts";
import type { Subject } from "./subject.ts";
import { gaussianData, refusalOf, runTrial, shardExtent, specOf } from "./trial.ts";

const ways = 4;
const meshes: readonly Mesh[] = [
  { data: ways, tensor: 1, sequence: 1 },
  { data: 1, tensor: ways, sequence: 1 },
  { data: 1, tensor: 1, sequence: ways },
];

/** What one mesh means for a normaliser: by the rule, and as a run showed if there was one. */
export interface MeshVerdict {
  readonly mesh: Mesh;
  readonly name: string;
  readonly rule: Rule;
  /** Messages of all ranks in one training step; null if the run was refused. */
  readonly messages: number | null;
  /** Why it was not run, else null. */
  readonly notRun: string | null;
}

/** The rule's verdict for each subject on a data, a tensor and a sequence mesh, and what a run sent there. */
export async function meshVerdicts(subjects: readonly Subject[]): Promise<MeshVerdict[]> {
  const verdicts: MeshVerdict[] = [];
  for (const mesh of meshes) {
    for (const subject of subjects) {
      const rule = ruleOf(specOf(subject), mesh, shardExtent);
      verdicts.push({ mesh, name: subject.name, rule, ...(await messagesOn(mesh, subject)) });
    }
  }
  return verdicts;
}

async function messagesOn(
  mesh: Mesh,
  { name, entry }: Subject,
): Promise<Pick<MeshVerdict, "messages" | "notRun">> {
  try {
    const { normalizers } = await runTrial({
      mesh,
      data: gaussianData(mesh),
      normalizers: [{ name, ...entry }],
    });
    const entries = normalizers[0]!.collectives.flatMap((collective) => collective.entries);
    return { messages: entries.reduce((sum, { messagesSent }) => sum + messagesSent, 0), notRun: null };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return { messages: null, notRun: refusalOf(error) };
  }
}
