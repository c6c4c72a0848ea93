import type { Finding } from "./issues.ts";
import type { SoundFields } from "./sound-fields.ts";

/** What of a scenario does not go with training a network. */
export function trainingFindings(fields: SoundFields): Finding[] {
  const { training, mesh, backward, trainingSteps, data, normalizers } = fields;
  if (training === undefined || training === null) return [];
  const findings: Finding[] = [];
  if (data.source !== undefined && data.source !== "images")
    findings.push(
      finding(["data", "source"], `expected images, which have labels to learn, got ${data.source}`),
    );
  for (const axis of ["tensor", "sequence"] as const) {
    if (mesh !== undefined && mesh[axis] > 1)
      findings.push(finding(["mesh", axis], `expected 1: training is data-parallel, got ${mesh[axis]}`));
  }
  if (backward === false)
    findings.push(finding(["backward"], "expected true: training goes backward, got false"));
  if (trainingSteps !== undefined && trainingSteps !== 1)
    findings.push(
      finding(["trainingSteps"], `expected none: training.steps counts the steps, got ${trainingSteps}`),
    );
  const widths = training.network.hidden;
  return [
    ...findings,
    ...normalizers.flatMap((normalizer, index) => layerFindings(normalizer, index, widths)),
  ];
}

/** A normaliser stands behind layers of several widths. */
function layerFindings(
  normalizer: SoundFields["normalizers"][number],
  index: number,
  widths: readonly number[],
): Finding[] {
  const at = (key: string): Finding["path"] => ["normalizers", index, key];
  const findings = (["weight", "bias"] as const).flatMap((key) =>
    typeof normalizer[key] === "object"
      ? [finding(at(key), "expected one number, where every layer of the network starts, got a list")]
      : [],
  );
  if (normalizer.type === "instance-norm")
    findings.push(
      finding(at("type"), "expected a type that reduces over more than the one position of a layer"),
    );
  const { groups } = normalizer as { readonly groups?: number };
  const undivided = groups === undefined ? undefined : widths.find((width) => width % groups !== 0);
  if (undivided !== undefined)
    findings.push(finding(at("groups"), `expected a divisor of the ${undivided} features, got ${groups}`));
  return findings;
}

function finding(path: Finding["path"], message: string): Finding {
  return { path, at: "value", message };
}
