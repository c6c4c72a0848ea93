import { sampled } from "../../collectives/payload-sample.ts";
import type { CollectiveRecord, NormalizerRecord } from "../../engine/simulation.ts";
import { formatBytes, formatCount, plural } from "../format.ts";
import { dataOf, scroller, svgOf } from "./chart.ts";
import { number } from "./figures.ts";
import { type Element, element } from "./markup.ts";
import { type Arrival, type Cell, drawStep } from "./schedule-step.ts";

/** A collective and whose it is. */
export interface NamedCollective {
  readonly name: string;
  readonly record: CollectiveRecord;
}

/** The sampled collective of the most ranks that are all in the sample; else the first one. Undefined if none was sampled. */
export function collectiveToShow(normalizers: readonly NormalizerRecord[]): NamedCollective | undefined {
  const found = normalizers.flatMap(({ spec, collectives }): NamedCollective[] => {
    const record = collectives.find(({ entries }) => entries[0]!.sample !== undefined);
    return record === undefined ? [] : [{ name: spec.name, record }];
  });
  const ranksOf = ({ record }: NamedCollective): number => record.group.ranks.length;
  const whole = found.filter((it) => ranksOf(it) <= sampled.ranks);
  return whole.toSorted((a, b) => ranksOf(b) - ranksOf(a))[0] ?? found[0];
}

/** A collective at work: what the first ranks held of the first blocks before and after each step, as they held it in the run. */
export function scheduleFigure({ name, record }: NamedCollective, id: string): Element {
  const { schedule, shape, entries, group } = record;
  const samples = entries.flatMap(({ sample }) => (sample === undefined ? [] : [sample]));
  const { elements } = samples[0]!;
  const frames = samples[0]!.values.length;
  const arrivals = arrivalsOf(record, elements, samples.length);
  const isHeld = heldBefore(record, arrivals, samples.length, elements.length);
  const cellsOf = (step: number): Cell[][] =>
    samples.map(({ values }, rank) =>
      elements.map((_, block) => ({
        values: isHeld(step, rank, block)
          ? values[step]!.slice(block * shape.valuesPerElement, (block + 1) * shape.valuesPerElement)
          : null,
      })),
    );
  const ranks = group.ranks.slice(0, samples.length);
  const title = `${name} needs ${plural(schedule.stepCount, "step")} and ${plural(schedule.source.length, "message")} for one ${shape.operation} by ${schedule.algorithm}.`;
  const steps = Array.from({ length: frames }, (_, step) => {
    const own = arrivals.filter((arrival) => arrival.step === step - 1);
    return element(
      "li",
      { class: "step" },
      element("p", {}, sayStep(step, schedule.stepCount, own, record)),
      svgOf(
        drawStep(cellsOf(step), own, ranks, elements, shape.valuesPerElement),
        step === 0 ? `${shape.operation}: before the first step` : `${shape.operation}: after step ${step}`,
        describe(own, ranks),
        `${id}-${step}`,
      ),
    );
  });
  return element(
    "figure",
    { id, class: "wide" },
    element("h3", {}, title),
    element("div", { class: "player", "data-player": true }, scroller(title, element("ol", {}, steps))),
    element("figcaption", {}, captionOf(record, samples.length, elements.length, frames)),
    dataOf(
      {
        columns: ["step", "rank", ...elements.map((at) => `element ${at}`)],
        rows: steps.flatMap((_, step) =>
          cellsOf(step).map((row, rank) => [
            `${step}`,
            `${ranks[rank]}`,
            ...row.map(({ values }) =>
              values === null ? "" : values.map((value) => number(value, 9)).join("; "),
            ),
          ]),
        ),
      },
      title,
    ),
  );
}

/** Which sampled elements arrive where in the sampled steps. */
function arrivalsOf(
  { schedule, entries }: CollectiveRecord,
  elements: readonly number[],
  ranks: number,
): Arrival[] {
  const { stepStart, source, target, offset, length, reduces } = schedule;
  const steps = entries[0]!.sample!.values.length - 1;
  const arrivals: Arrival[] = [];
  for (let step = 0; step < steps; step++) {
    for (let i = stepStart[step]!; i < stepStart[step + 1]!; i++) {
      if (target[i]! >= ranks) continue;
      for (const [block, at] of elements.entries()) {
        const beyond = (at - offset[i]! + schedule.elements) % schedule.elements;
        if (beyond >= length[i]!) continue;
        arrivals.push({ step, source: source[i]!, target: target[i]!, block, reduces: reduces[i] === 1 });
      }
    }
  }
  return arrivals;
}

/** Whether a rank has an element before a step: in an all-gather it begins with its own block alone. */
function heldBefore(
  { shape }: CollectiveRecord,
  arrivals: readonly Arrival[],
  ranks: number,
  blocks: number,
): (step: number, rank: number, block: number) => boolean {
  if (shape.operation !== "all-gather") return () => true;
  const since = Array.from({ length: ranks }, (_, rank) =>
    Array.from({ length: blocks }, (_, block) => (rank === block ? 0 : Number.POSITIVE_INFINITY)),
  );
  for (const { step, target, block } of arrivals)
    since[target]![block] = Math.min(since[target]![block]!, step + 1);
  return (step, rank, block) => since[rank]![block]! <= step;
}

function sayStep(
  step: number,
  stepCount: number,
  arrivals: readonly Arrival[],
  { schedule }: CollectiveRecord,
): string {
  if (step === 0) return "Before the first step: what each rank contributes.";
  const messages = schedule.stepStart[step]! - schedule.stepStart[step - 1]!;
  const what = arrivals.every(({ reduces }) => reduces)
    ? "added to what is there"
    : arrivals.some(({ reduces }) => reduces)
      ? "added or copied"
      : "copied";
  return `After step ${step} of ${stepCount}: ${plural(messages, "message")}, ${what}.`;
}

function describe(arrivals: readonly Arrival[], ranks: readonly number[]): string {
  if (arrivals.length === 0)
    return "Values of each rank, element by element; nothing has arrived in this step.";
  return arrivals
    .map(
      ({ source, target, block }) =>
        `block ${block} from rank ${ranks[source] ?? `number ${source}`} to rank ${ranks[target]}`,
    )
    .join("; ");
}

function captionOf(
  { schedule, shape, group, elementBytes }: CollectiveRecord,
  ranks: number,
  blocks: number,
  frames: number,
): string {
  const record =
    shape.valuesPerElement === 1
      ? ""
      : ` Elements are records of ${shape.valuesPerElement} values, one above the other.`;
  const left = [
    group.ranks.length > ranks ? `the first ${ranks} of ${plural(group.ranks.length, "rank")}` : null,
    schedule.ranks > blocks ? `the first ${plural(blocks, "block")} of ${schedule.ranks}` : null,
    schedule.stepCount + 1 > frames
      ? `the first ${frames - 1} of ${plural(schedule.stepCount, "step")}`
      : null,
  ].filter((part) => part !== null);
  return (
    `The values that ranks held in the run, of the first element of each block of the vector (${formatCount(schedule.elements)} elements, ` +
    `${formatBytes(schedule.elements * elementBytes)}). Strong cells have just received.${record}` +
    (left.length === 0 ? "" : ` Shown: ${left.join(", ")}.`)
  );
}
