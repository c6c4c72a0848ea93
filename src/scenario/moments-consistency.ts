import type { Finding } from "./issues.ts";
import type { DraftNormalizer } from "./resolution.ts";
import type { SoundFields } from "./sound-fields.ts";

/** What of a scenario needs x or dy, where only the moments of x are there. */
export function momentsFindings(fields: SoundFields): Finding[] {
  const { data, mesh, backward, storage, normalizers, faults } = fields;
  if (data.source !== "moments") return [];
  const findings: Finding[] = [];
  const expect = (path: Finding["path"], message: string): void => {
    findings.push({ path, at: "value", message });
  };
  if (backward === true)
    expect(["backward"], "expected false beside source: moments, which say nothing of dy, got true");
  if (storage === "float16" || storage === "bfloat16")
    expect(["storage"], `expected float32 or float64: without x nothing is rounded to ${storage}`);
  for (const axis of ["tensor", "sequence"] as const)
    if (mesh !== undefined && mesh[axis] > 1)
      expect(["mesh", axis], `expected 1: moments are of whole channels on data ranks, got ${mesh[axis]}`);
  for (const [index, normalizer] of normalizers.entries()) {
    const objection = objectionTo(normalizer);
    if (objection !== undefined) expect(["normalizers", index, objection.key], objection.message);
  }
  for (const [index, { kind }] of faults.entries())
    if (kind === "nan" || kind === "inf")
      expect(["faults", index, "kind"], "expected a fault of a rank: moments hold no single value");
  return findings;
}

/** Statistics of channels follow from moments, taken exactly; nothing else does. */
function objectionTo(normalizer: Partial<DraftNormalizer>): { key: string; message: string } | undefined {
  const { type } = normalizer;
  if (type !== undefined && !ofChannels.includes(type))
    return {
      key: "type",
      message: `expected one of ${ofChannels.join(", ")}: ${type} needs x, not its moments`,
    };
  if ("virtualBatch" in normalizer)
    return { key: "virtualBatch", message: "expected none: moments are of all samples of a rank" };
  if ("moments" in normalizer && normalizer.moments !== "two-pass")
    return { key: "moments", message: `expected two-pass: ${normalizer.moments} needs x, not its moments` };
  if ("accumulate" in normalizer && normalizer.accumulate !== "float64")
    return {
      key: "accumulate",
      message: `expected float64: ${normalizer.accumulate} needs x, not its moments`,
    };
  return undefined;
}

const ofChannels: readonly string[] = ["batch-norm", "batch-renorm", "power-norm", "mabn"];
