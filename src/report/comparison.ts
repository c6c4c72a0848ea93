import { implementations } from "../normalizers/implementations.ts";
import type { ImplementationName } from "../scenario/implementation-names.ts";
import type { ExactnessReport } from "./exactness.ts";
import { enumerate, formatBytes, formatPercent } from "./format.ts";
import type { Column, Overview } from "./overview.ts";
import type { NormalizerReport, Report } from "./report.ts";

/** A normaliser that is synchronised. */
interface Synchronized extends NormalizerReport {
  readonly implementation: ImplementationName;
  readonly exactness: ExactnessReport;
}

/** Implementations of synchronised BatchNorm side by side, and why those that are not exact are not. */
export interface Comparison extends Pick<Overview, "columns" | "rows"> {
  readonly reasons: readonly string[];
}

const columns: readonly (Column & {
  readonly cell: (n: Synchronized, scenario: Report["scenario"]) => string;
})[] = [
  { title: "normaliser", isNumeric: false, dispensability: 0, cell: ({ name }) => name },
  {
    title: "implementation",
    isNumeric: false,
    dispensability: 1,
    cell: ({ implementation }) => implementation,
  },
  {
    title: "forward",
    isNumeric: false,
    dispensability: 6,
    cell: ({ implementation }) => collectives(implementation, "forward"),
  },
  {
    title: "backward",
    isNumeric: false,
    dispensability: 7,
    cell: ({ implementation }) => collectives(implementation, "backward"),
  },
  {
    title: "payload",
    isNumeric: true,
    dispensability: 3,
    cell: ({ communication: { total } }, { trainingSteps }) =>
      formatBytes(total.payloadBytesPerRank / trainingSteps),
  },
  {
    title: "ranks weigh by",
    isNumeric: false,
    dispensability: 4,
    cell: ({ implementation }) => weights[implementations[implementation].weighting],
  },
  {
    title: "variance",
    isNumeric: false,
    dispensability: 8,
    cell: ({ implementation }) => varianceOf(implementation),
  },
  {
    title: "running variance",
    isNumeric: false,
    dispensability: 9,
    cell: ({ implementation }) => implementations[implementation].runningVariance,
  },
  {
    title: "y error",
    isNumeric: true,
    dispensability: 2,
    cell: ({ exactness: { outputMse } }) => percent(outputMse && Math.sqrt(outputMse), "not finite"),
  },
  {
    title: "dx error",
    isNumeric: true,
    dispensability: 5,
    cell: ({ exactness }, scenario) =>
      percent(exactness.gradientRelativeError, scenario.backward ? "not finite" : "not run"),
  },
  {
    title: "here",
    isNumeric: false,
    dispensability: 0,
    cell: ({ exactness: { isExact } }) => (isExact ? "exact" : "not exact"),
  },
];

const weights = { count: "values", samples: "samples", equal: "nothing" } as const;

/** null unless synchronised normalisers of a report have two or more implementations. */
export function comparisonOf({ normalizers, scenario }: Report): Comparison | null {
  const compared = normalizers.filter((n): n is Synchronized => n.exactness !== null);
  if (new Set(compared.map(({ implementation }) => implementation)).size < 2) return null;
  return {
    columns,
    rows: compared.map((normalizer) => columns.map(({ cell }) => cell(normalizer, scenario))),
    reasons: reasonsOf(compared),
  };
}

/** One sentence a reason, with the names of all it goes for. */
function reasonsOf(compared: readonly Synchronized[]): string[] {
  const namesByReason = new Map<string, string[]>();
  for (const { name, exactness } of compared) {
    if (exactness.reason === null) continue;
    namesByReason.set(exactness.reason, [...(namesByReason.get(exactness.reason) ?? []), name]);
  }
  return [...namesByReason].map(([reason, names]) => {
    return `${enumerate(names)} ${names.length === 1 ? "is" : "are"} not exact here: ${reason}.`;
  });
}

/** What the columns mean, for the foot of the table. */
export const comparisonLegend: string =
  "Errors of y (root mean square) and dx (relative) are against the exact statistics of the ranks that a normaliser pools; " +
  "exact: no more than rounding to float32 explains. payload: what one rank contributes per training step.";

/** `2 gather, reduce`: operations in order. */
function collectives(name: ImplementationName, pass: "forward" | "backward"): string {
  const parts: { operation: string; count: number }[] = [];
  for (const { operation } of implementations[name][pass]) {
    const last = parts.at(-1);
    if (last?.operation === operation) last.count++;
    else parts.push({ operation, count: 1 });
  }
  return parts.map(({ operation, count }) => `${count} ${operation}`).join(", ");
}

function varianceOf(name: ImplementationName): string {
  const { merge } = implementations[name];
  if (merge.by !== "mean-square") return "Chan";
  if (merge.of === "shiftedSum") return "shifted sums";
  return merge.clips ? "E[x²] − E[x]², clipped" : "E[x²] − E[x]²";
}

function percent(share: number | null, missing: string): string {
  return share === null ? missing : formatPercent(share);
}
