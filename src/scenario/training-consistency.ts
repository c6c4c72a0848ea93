import type { Finding } from "./issues.ts";
import type { SoundFields, SoundTraining } from "./sound-fields.ts";
import type { NetworkSpec } from "./training.ts";

/** What of a scenario does not go with training a network. */
export function trainingFindings(fields: SoundFields): Finding[] {
  const { training, mesh, backward, trainingSteps, data, normalizers, storage, faults } = fields;
  if (training === null) return [];
  const findings: Finding[] = [];
  const { network } = training;
  const learnt = network.kind && learntSources[network.kind];
  if (learnt !== undefined && data.source !== undefined && data.source !== learnt)
    findings.push(
      finding(
        ["data", "source"],
        `expected ${learnt}, whose labels the ${network.kind} learns, got ${data.source}`,
      ),
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
  findings.push(...singlePassFindings(fields));
  if (storage === "float16" || storage === "bfloat16")
    findings.push(
      finding(["storage"], `expected float32 or float64: networks learn in these, got ${storage}`),
    );
  for (const [index, { kind }] of faults.entries())
    if (kind === "nan" || kind === "inf")
      findings.push(
        finding(["faults", index, "kind"], "expected a fault of a rank: values of a network are not spoiled"),
      );
  const widths = network.hidden ?? (network.width === undefined ? [] : [network.width]);
  return [
    ...findings,
    ...headFindings(network),
    ...normalizers.flatMap((normalizer, index) => layerFindings(normalizer, index, widths)),
  ];
}

/** What is done to single passes has no meaning for the layers of a network. */
function singlePassFindings({ accumulation, isEvaluated, normalizers }: SoundFields): Finding[] {
  const findings: Finding[] = [];
  if (accumulation !== undefined && accumulation !== 1)
    findings.push(finding(["accumulation"], `expected 1 where a network is trained, got ${accumulation}`));
  if (isEvaluated)
    findings.push(finding(["evaluation"], "expected none: training evaluates at every point of its curves"));
  for (const [index, normalizer] of normalizers.entries()) {
    const { buffers = "per-rank", deferred = false } = normalizer as { buffers?: string; deferred?: boolean };
    const path = ["normalizers", index];
    if (buffers !== "per-rank")
      findings.push(
        finding([...path, "buffers"], `expected per-rank where a network is trained, got ${buffers}`),
      );
    if (deferred) findings.push(finding([...path, "deferred"], "expected false where a network is trained"));
  }
  return findings;
}

const learntSources: Readonly<Record<NetworkSpec["kind"], string>> = { mlp: "images", transformer: "tokens" };

function headFindings({ width, heads }: SoundTraining["network"]): Finding[] {
  if (width === undefined || heads === undefined || width % heads === 0) return [];
  const message = `expected a divisor of the ${width} features, got ${heads}`;
  return [finding(["training", "network", "heads"], message)];
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
