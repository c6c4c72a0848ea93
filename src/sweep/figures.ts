import type { NormalizerReport } from "../report/report.ts";

/** One value of a report that is not a map or a list; null is not known, or not finite. */
export type Figure = number | string | boolean | null;

/**
 * Every figure of a normaliser by its dotted path, such as `divergence.outputMse.mean`, in the order of
 * the report. Lists (`perRank`) are left out, and wallSeconds, which is no figure of the scenario.
 */
export function figuresOf(normalizer: NormalizerReport): Map<string, Figure> {
  const figures = new Map<string, Figure>();
  collect(normalizer, "", figures);
  return figures;
}

function collect(value: object, prefix: string, figures: Map<string, Figure>): void {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    if (key === "wallSeconds" || Array.isArray(inner)) continue;
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof inner === "object" && inner !== null) collect(inner, path, figures);
    else figures.set(path, inner as Figure);
  }
}
