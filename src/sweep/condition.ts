import { ScenarioError } from "../errors.ts";
import type { NormalizerReport, Report } from "../report/report.ts";
import { didYouMean } from "../scenario/suggestion.ts";
import { figuresOf } from "./figures.ts";

type Comparison = ">=" | "<=" | "==" | "!=" | ">" | "<";

const comparisons: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
};

/** What `--fail-if` asks of a report. */
export interface Condition {
  /** As the user wrote it. */
  readonly text: string;
  /** null: any normaliser of the report. */
  readonly normalizer: string | null;
  /** Of a figure of a normaliser, such as `divergence.outputMse.mean`. */
  readonly path: string;
  readonly comparison: Comparison;
  readonly bound: number;
}

/** Whether a condition holds in a report, and where. */
export interface Verdict {
  readonly holds: boolean;
  /** One sentence for each normaliser in which it holds. */
  readonly findings: readonly string[];
}

const grammar =
  /^\s*(?:(?<normalizer>\S|\S.{0,99}?)\s*:)?\s*(?<path>[a-zA-Z]\w*(?:\.\w+)*)\s*(?<comparison>>=|<=|==|!=|>|<)\s*(?<bound>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$/u;

/**
 * Read `path comparison number`, optionally for one normaliser: `SyncBN: divergence.outputMse.mean > 0.1`.
 *
 * @throws ScenarioError if it is anything else.
 */
export function parseCondition(text: string): Condition {
  const groups = text.length > 300 ? undefined : grammar.exec(text)?.groups;
  if (groups === undefined)
    throw fault(
      text,
      "expected a figure, a comparison (> >= < <= == !=) and a number, such as " +
        "'divergence.outputMse.mean > 0.1' or 'SyncBN: communication.total.modelSeconds > 1e-4'",
    );
  return {
    text,
    normalizer: groups.normalizer ?? null,
    path: groups.path!,
    comparison: groups.comparison as Comparison,
    bound: Number(groups.bound),
  };
}

/**
 * Hold a condition against a report. A figure that is null because values are not finite fulfils any
 * condition: what cannot be shown to be within a bound must not pass.
 *
 * @throws ScenarioError if the report has no such normaliser or figure, or does not know the figure.
 */
export function failIf(condition: Condition, report: Report): Verdict {
  const asked = report.normalizers.filter(
    ({ name }) => condition.normalizer === null || name === condition.normalizer,
  );
  if (asked.length === 0) throw unknownNormalizer(condition, report);
  const outcomes = asked.map((normalizer) => outcomeOf(condition, normalizer));
  if (outcomes.every((outcome) => outcome === "unknown"))
    throw fault(condition.text, `${condition.path} has no value in this run`);
  const findings = outcomes.flatMap((outcome) =>
    outcome === null || outcome === "unknown" ? [] : [outcome],
  );
  return { holds: findings.length > 0, findings };
}

/** A sentence if the condition holds, null if it does not. */
function outcomeOf(condition: Condition, normalizer: NormalizerReport): string | null {
  const { path, comparison, bound } = condition;
  const figures = figuresOf(normalizer);
  const value = figures.get(path);
  if (value === null)
    return normalizer.numerics.nonFinite > 0 ? `${normalizer.name}: ${path} is not finite` : "unknown";
  if (typeof value !== "number") {
    const known = [...figures.keys()];
    const hint = didYouMean(path, known) || "; figures are those of run --json, as divergence.outputMse.mean";
    throw fault(condition.text, `a report has no number ${JSON.stringify(path)}${hint}`);
  }
  return comparisons[comparison](value, bound)
    ? `${normalizer.name}: ${path} is ${value}, ${comparison} ${bound}`
    : null;
}

function unknownNormalizer({ text, normalizer }: Condition, report: Report): ScenarioError {
  const names = report.normalizers.map(({ name }) => name);
  const hint = didYouMean(normalizer, names) || `; there are ${names.join(", ")}`;
  return fault(text, `no normaliser is called ${JSON.stringify(normalizer)}${hint}`);
}

function fault(text: string, message: string): ScenarioError {
  return new ScenarioError([{ file: `--fail-if ${JSON.stringify(text)}`, path: "", message }]);
}
