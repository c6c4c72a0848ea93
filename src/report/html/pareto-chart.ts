import { formatPercent, formatSeconds } from "../format.ts";
import { type Chart, narrowWidth } from "./chart.ts";
import { percent } from "./figures.ts";
import type { Element } from "./markup.ts";
import { plotOf } from "./plot.ts";
import { label, legend, polyline, textWidth } from "./shapes.ts";

/** One way to normalise: what it costs and how wrong it is. */
export interface Choice {
  readonly name: string;
  /** Choices of one kind share a mark. */
  readonly kind: string;
  readonly seconds: number;
  /** A share. */
  readonly error: number;
}

/** What the two directions are. */
export interface ParetoAxes {
  /** Such as `wire time of a training step on dgx-a100`. */
  readonly cost: string;
  readonly error: string;
  readonly more: string;
}

/** Points are named beside themselves if they are few and their names short, else by kind in a legend. */
const [namedMaximum, nameMaximum] = [12, 24];
/** Of more choices, those that another one beats are thinned out. */
const drawnMaximum = 500;

/** Cost against error, with the choices that no other beats in both. */
export function paretoChart(all: readonly Choice[], axes: ParetoAxes): Chart {
  const choices = all.filter(({ seconds, error }) => Number.isFinite(seconds) && Number.isFinite(error));
  const front = frontOf(choices);
  const every = Math.ceil(choices.length / drawnMaximum);
  const drawn = choices.filter((choice, index) => index % every === 0 || front.includes(choice));
  const kinds = [...new Set(choices.map(({ kind }) => kind))];
  const isNamed = choices.length <= namedMaximum && choices.every(({ name }) => name.length <= nameMaximum);
  const key = isNamed ? { content: [], height: 0 } : legend(kinds, 0, 0, narrowWidth);
  const height = 290;
  const plot = plotOf({
    left: 0,
    top: key.height,
    width: narrowWidth,
    height,
    x: { label: axes.cost, format: formatSeconds, kind: "linear", ticks: 4 },
    y: { label: axes.error, format: formatPercent, kind: "linear", ticks: 5 },
    series: kinds.map((kind, index) => ({
      index: isNamed ? 0 : index,
      points: drawn
        .filter((choice) => choice.kind === kind)
        .map(({ seconds, error }) => ({ x: seconds, y: error })),
      isJoined: false,
    })),
    levels: [],
  });
  const place = ({ seconds, error }: Choice): [number, number] => [
    plot.x.place(seconds),
    plot.y.place(error),
  ];
  const dropped = all.length - choices.length;
  return {
    title: findingOf(choices, front),
    description: `${choices.length} choices by cost and error; ${front.length} of them are beaten by none: ${front.map(({ name }) => name).join("; ")}.`,
    caption:
      `Cost to the right, error upwards: the lower left is better. The line joins the choices that no other beats in both. ${axes.more}` +
      (drawn.length === choices.length
        ? ""
        : ` Of ${choices.length} points ${drawn.length} are drawn; the table has those on the line.`) +
      (dropped === 0 ? "" : ` Left out: ${dropped} without a finite figure.`),
    drawing: {
      width: narrowWidth,
      height: key.height + height,
      content: [
        polyline(staircase(front.map(place)), "front"),
        ...key.content,
        ...plot.content,
        ...(isNamed ? namesOf(choices, place) : []),
      ],
    },
    table: {
      columns: ["choice", "cost", axes.error, "beaten"],
      rows: (drawn.length === choices.length ? choices : front).map((choice) => [
        choice.name,
        formatSeconds(choice.seconds),
        percent(choice.error),
        front.includes(choice) ? "no" : "yes",
      ]),
    },
  };
}

/** By ascending cost, those with a smaller error than all that cost no more. */
export function frontOf(choices: readonly Choice[]): Choice[] {
  const sorted = choices.toSorted((a, b) => a.seconds - b.seconds || a.error - b.error);
  let best = Number.POSITIVE_INFINITY;
  return sorted.filter(({ error }) => {
    if (error >= best) return false;
    best = error;
    return true;
  });
}

/** Right, then down, from point to point. */
function staircase(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    return before === undefined ? [point] : [[point[0], before[1]] as const, point];
  });
}

/** Names beside their points, moved up or down where they would lie on one another. */
function namesOf(choices: readonly Choice[], place: (choice: Choice) => [number, number]): Element[] {
  const taken: { readonly x: number; readonly y: number; readonly width: number }[] = [];
  return choices
    .map((choice) => ({ text: choice.name, at: place(choice) }))
    .toSorted((a, b) => b.at[1] - a.at[1])
    .map(({ text, at: [x, y] }) => {
      const width = textWidth(text);
      const isRight = x + 10 + width < narrowWidth;
      const left = isRight ? x + 9 : x - 9 - width;
      let top = y + 4;
      const meets = (): boolean =>
        taken.some(
          (other) => Math.abs(other.y - top) < 13 && left < other.x + other.width && other.x < left + width,
        );
      while (meets()) top -= 4;
      taken.push({ x: left, y: top, width });
      return isRight ? label(left, top, text, "start", "halo") : label(x - 9, top, text, "end", "halo");
    });
}

function findingOf(choices: readonly Choice[], front: readonly Choice[]): string {
  const [cheapest] = front;
  const closest = front.at(-1);
  if (cheapest === undefined || closest === undefined) return "No choice has a finite error.";
  const beaten = choices.length - front.length;
  const others = beaten === 0 ? "" : `; ${beaten} of ${choices.length} ${beaten === 1 ? "is" : "are"} beaten`;
  const what = ({ name, seconds, error }: Choice): string =>
    `${name} (${formatSeconds(seconds)}, ${formatPercent(error)})`;
  if (front.length === 1) return `${what(cheapest)} is the cheapest and has the smallest error${others}.`;
  return `From ${what(cheapest)} to ${what(closest)}, ${front.length} choices are worth their cost${others}.`;
}
