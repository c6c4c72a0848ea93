import type { Drawing } from "./chart.ts";
import { number } from "./figures.ts";
import { type Element, element } from "./markup.ts";
import { box, label } from "./shapes.ts";

/** A message that touches sampled elements, between sampled ranks. */
export interface Arrival {
  readonly step: number;
  readonly source: number;
  readonly target: number;
  /** Index of the sampled element. */
  readonly block: number;
  readonly reduces: boolean;
}

/** What a rank holds of an element. */
export interface Cell {
  /** null: nothing has arrived there. */
  readonly values: readonly number[] | null;
}

const cell = { width: 62, lineHeight: 14, gap: 18 } as const;
const gutter = 58;

/**
 * The cells of ranks (rows) and elements (columns) after a step, and what has just arrived.
 *
 * @param lines values in a cell.
 */
export function drawStep(
  cells: readonly (readonly Cell[])[],
  arrivals: readonly Arrival[],
  ranks: readonly number[],
  elements: readonly number[],
  lines: number,
): Drawing {
  const height = lines * cell.lineHeight + 8;
  const pitch = height + cell.gap;
  const top = 24;
  const left = (block: number): number => gutter + block * (cell.width + 8);
  const content = [
    ...elements.map((at, block) => label(left(block) + cell.width / 2, 14, `[${at}]`, "middle", "tick")),
    ...cells.flatMap((row, rank) => [
      label(gutter - 8, top + rank * pitch + height / 2 + 4, `rank ${ranks[rank]}`, "end", "tick"),
      ...row.flatMap(({ values }, block) => {
        const arrival = arrivals.find(({ target, block: at }) => target === rank && at === block);
        const kind =
          values === null ? "empty" : arrival === undefined ? "held" : arrival.reduces ? "reduced" : "copied";
        return [
          box(left(block), top + rank * pitch, cell.width, height, kind),
          ...(values ?? []).map((value, at) =>
            label(
              left(block) + cell.width / 2,
              top + rank * pitch + 15 + at * cell.lineHeight,
              number(value, 3),
              "middle",
            ),
          ),
        ];
      }),
    ]),
    ...arrivals
      .filter(({ source }) => source < ranks.length)
      .map(({ source, target, block }) =>
        arrow(left(block) + cell.width - 6, top + source * pitch, top + target * pitch, height),
      ),
  ];
  return { width: left(elements.length), height: top + cells.length * pitch, content };
}

/** From the edge of the source's cell to that of the target's, bent so that it passes beside the cells between. */
function arrow(x: number, source: number, target: number, height: number): Element {
  const isDown = target > source;
  const start = isDown ? source + height : source;
  const end = isDown ? target - 1 : target + height + 1;
  const bend = Math.abs(target - source) > 2 * height + cell.gap ? 16 : 0;
  const tip = isDown ? -5 : 5;
  const path =
    `M${x},${start}C${x + bend},${start + (end - start) / 3} ${x + bend},${start + (2 * (end - start)) / 3} ${x},${end}` +
    `M${x - 4},${end + tip}L${x},${end}L${x + 4},${end + tip}`;
  return element("path", { d: path, class: "arrow" });
}
