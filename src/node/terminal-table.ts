import Table from "cli-table3";
import type { Overview } from "../report/overview.ts";

/** Rules only under the heading; two blanks between columns. */
const chars = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", right: "", "right-mid": "", mid: "", "mid-mid": "", middle: "  " },
};

/** A table as lines of at most `width` columns: the least important columns go until it fits. */
export function renderOverview({ columns, rows }: Pick<Overview, "columns" | "rows">, width: number): string {
  let kept = columns.map((_, index) => index);
  for (;;) {
    const text = render(
      kept.map((i) => columns[i]!),
      rows.map((row) => kept.map((i) => row[i]!)),
    );
    const widest = Math.max(...text.split("\n").map((line) => line.length));
    const dispensable = [...kept].sort((a, b) => columns[b]!.dispensability - columns[a]!.dispensability)[0]!;
    if (widest <= width || columns[dispensable]!.dispensability === 0) return text;
    kept = kept.filter((i) => i !== dispensable);
  }
}

function render(columns: Overview["columns"], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ isNumeric }) => (isNumeric ? "right" : "left")),
    chars,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
