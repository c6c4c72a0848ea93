import type { Drawing } from "../report/html/chart.ts";
import { number } from "../report/html/figures.ts";
import { type Element, element } from "../report/html/markup.ts";
import { label } from "../report/html/shapes.ts";
import type { Flow, MovedValue } from "./flow.ts";

/** Ranks that are drawn; messages of others are left to the table. */
export const drawnRanksMaximum = 32;

const width = 440;
const height = 410;
const centre = { x: width / 2, y: height / 2 };

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Ranks on a circle and the messages of one step between them.
 *
 * @param step 0: before the first step, with what each rank contributes.
 */
export function ringDrawing(flow: Flow, step: number): Drawing {
  const ranks = Math.min(flow.worldSize, drawnRanksMaximum);
  const nodeRadius = ranks <= 8 ? 31 : ranks <= 16 ? 21 : 12;
  const radius = Math.min(width, height) / 2 - nodeRadius - 8;
  const placeOf = (rank: number): Point => {
    const angle = (2 * Math.PI * rank) / ranks - Math.PI / 2;
    return ranks === 1
      ? centre
      : { x: centre.x + radius * Math.cos(angle), y: centre.y + radius * Math.sin(angle) };
  };
  const messages = (flow.steps[step - 1] ?? []).filter(
    ({ source, target }) => source < ranks && target < ranks,
  );
  const arrivals = new Map(messages.map((message) => [message.target, message]));
  const nodes = Array.from({ length: ranks }, (_, rank) => {
    const arrival = arrivals.get(rank);
    const held =
      arrival === undefined
        ? step === 0
          ? flow.contributions.find((it) => it.rank === rank)?.value
          : undefined
        : arrival.value?.has;
    const kind = arrival === undefined ? "held" : arrival.reduces ? "reduced" : "copied";
    return nodeOf(rank, placeOf(rank), nodeRadius, kind, held);
  });
  const arrows = messages.map((message) =>
    arrowOf(placeOf(message.source), placeOf(message.target), nodeRadius, ranks > 16 ? null : message.value),
  );
  return { width, height, content: [...nodes.flat(), ...arrows.flat()] };
}

function nodeOf(
  rank: number,
  { x, y }: Point,
  radius: number,
  kind: string,
  held: number | undefined,
): Element[] {
  const circle = element("circle", { cx: x, cy: y, r: radius, class: kind });
  if (radius < 20) return [circle, label(x, y + 4, `${rank}`, "middle", "tick")];
  return [
    circle,
    label(x, y - (held === undefined ? -4 : 4), radius > 28 ? `rank ${rank}` : `r${rank}`, "middle", "tick"),
    ...(held === undefined ? [] : [label(x, y + 12, brief(held), "middle", "held-value")]),
  ];
}

/** From circle to circle, with the value that travels beside it. */
function arrowOf(from: Point, to: Point, nodeRadius: number, value: MovedValue | null): Element[] {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const distance = Math.hypot(dx, dy);
  const [ux, uy] = [dx / distance, dy / distance];
  const gap = nodeRadius + 3;
  const start = { x: from.x + ux * gap, y: from.y + uy * gap };
  const end = { x: to.x - ux * (gap + 2), y: to.y - uy * (gap + 2) };
  const side = { x: -uy * 4.5, y: ux * 4.5 };
  const back = { x: end.x - ux * 9, y: end.y - uy * 9 };
  const path =
    `M${round(start.x)},${round(start.y)}L${round(end.x)},${round(end.y)}` +
    `M${round(back.x + side.x)},${round(back.y + side.y)}L${round(end.x)},${round(end.y)}` +
    `L${round(back.x - side.x)},${round(back.y - side.y)}`;
  if (value === null) return [element("path", { d: path, class: "arrow" })];
  const middle = { x: (from.x + to.x) / 2 - centre.x, y: (from.y + to.y) / 2 - centre.y };
  const depth = Math.hypot(middle.x, middle.y);
  // Towards the centre, where there is room; chords through it have their labels near their sources, where they part.
  const at =
    depth > 40
      ? { x: middle.x * (1 - 36 / depth), y: middle.y * (1 - 18 / depth) }
      : { x: (from.x - centre.x) * 0.55 - uy * 20, y: (from.y - centre.y) * 0.55 + ux * 10 };
  return [
    element("path", { d: path, class: "arrow" }),
    label(centre.x + at.x, centre.y + at.y + 4, brief(value.sent), "middle", "halo moved"),
  ];
}

/** Three digits, four where all are before the point, with an exponent where zeros would take the room. */
function brief(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : "∞";
  const isSmall = value !== 0 && Math.abs(value) < 1e-3;
  return isSmall
    ? value.toExponential(1).replaceAll("-", "−")
    : number(value, Math.abs(value) < 1000 ? 3 : 4);
}

const round = (value: number): number => Math.round(value * 10) / 10;
