import type { Finding } from "./issues.ts";
import { normalizerFields } from "./normalizer-schema.ts";
import type { SoundFields } from "./sound-fields.ts";

/** What of microbatches, running statistics and their evaluation does not go together. */
export function evaluationFindings(fields: SoundFields): Finding[] {
  const { normalizers, isEvaluated, evaluation, accumulation, data } = fields;
  const findings: Finding[] = [];
  const expect = (path: Finding["path"], message: string): void => {
    findings.push({ path, at: "value", message });
  };
  for (const [index, normalizer] of normalizers.entries()) {
    const { buffers, deferred } = normalizer as { buffers?: string; deferred?: boolean };
    if (deferred === true && accumulation === 1)
      expect(["normalizers", index, "deferred"], "expected accumulation above 1 beside it, got 1");
    const waits = buffers !== undefined && buffers !== "per-rank" && buffers !== "broadcast";
    if (waits && !isEvaluated)
      expect(["normalizers", index, "buffers"], `expected an evaluation, before which ${buffers} happens`);
  }
  if (evaluation === undefined) return findings;
  const preciseIndex = normalizers.findIndex(
    (normalizer) => "buffers" in normalizer && normalizer.buffers?.startsWith("precise") === true,
  );
  if (preciseIndex >= 0 && evaluation.preciseBatches === undefined)
    expect(
      ["evaluation"],
      `expected preciseBatches, how many microbatches normalizers[${preciseIndex}] estimates its statistics from`,
    );
  if (preciseIndex < 0 && evaluation.preciseBatches !== undefined)
    expect(
      ["evaluation", "preciseBatches"],
      "expected a normaliser with buffers: precise or precise-average",
    );
  if (
    normalizers.every(
      (normalizer) => normalizer.type !== undefined && !("buffers" in normalizerFields[normalizer.type]),
    )
  )
    expect(["evaluation"], "expected a normaliser that tracks running statistics, such as batch-norm");
  if (data.source === "npy" || data.source === "safetensors")
    expect(
      ["evaluation"],
      `expected a data source that can draw held-out microbatches, got ${data.source} files`,
    );
  return findings;
}
