import type { Element } from "./markup.ts";
import { box, label } from "./shapes.ts";

/** A square of cells, rank by rank, or block of ranks by block of ranks. */
export interface HeatMap {
  readonly content: Element[];
  readonly height: number;
}

/**
 * Cells as strong as their values; rows are named to the left, columns above.
 *
 * @param values at least 0; values[row][column].
 * @param names of rows, which are also those of columns.
 */
export function heatMap(
  values: readonly (readonly number[])[],
  names: readonly string[],
  at: { readonly left: number; readonly top: number; readonly width: number },
  axes: { readonly row: string; readonly column: string },
): HeatMap {
  const gutter = 34;
  const left = at.left + gutter;
  const top = at.top + gutter;
  const side = Math.min(34, (at.width - gutter) / values.length);
  const largest = values.flat().reduce((most, value) => Math.max(most, value), 0);
  const every = Math.ceil(names.length / Math.max(1, Math.floor((side * values.length) / 26)));
  const isNamed = (index: number): boolean => index % every === 0;
  const content = [
    label(left, at.top + 10, axes.column, "start", "axis-label"),
    ...names.flatMap((name, index) =>
      isNamed(index)
        ? [
            label(left + (index + 0.5) * side, top - 6, name, "middle", "tick"),
            label(left - 6, top + (index + 0.5) * side + 4, name, "end", "tick"),
          ]
        : [],
    ),
    ...values.flatMap((row, y) =>
      row.flatMap((value, x) => {
        const size = Math.max(side - (side > 10 ? 2 : 0.5), 0.5);
        const cell = (kind: string, strength: number): Element =>
          box(
            left + x * side,
            top + y * side,
            size,
            size,
            kind,
            strength === 1 ? {} : { "fill-opacity": strength },
          );
        if (value === 0) return side > 10 ? [cell("empty", 1)] : [];
        return [cell("full", 0.25 + (0.75 * value) / largest)];
      }),
    ),
    label(at.left, top + values.length * side + 14, axes.row, "start", "axis-label"),
  ];
  return { content, height: gutter + values.length * side + 22 };
}
