import { h, type VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { type Chart, dataSummary, dataTable, pictureOf, type Table } from "../../report/html/chart.ts";
import type { Element } from "../../report/html/markup.ts";

/** Markup of the reports as nodes of the page; the same markup is not looked at again. */
export function MarkupView({ markup }: { readonly markup: Element }): VNode {
  return useMemo(() => nodeOf(markup), [markup]);
}

function nodeOf({ tag, attributes, children }: Element, ...more: readonly VNode[]): VNode {
  return h(
    tag,
    attributes as Record<string, string>,
    ...children.map((child) => (typeof child === "string" ? child : nodeOf(child))),
    ...more,
  );
}

/** Charts side by side where there is room. */
export function Charts({
  charts,
  prefix,
}: {
  readonly charts: readonly Chart[];
  readonly prefix: string;
}): VNode {
  return (
    <div class="charts">
      {charts.map((chart, index) => (
        <ChartView key={index} chart={chart} id={`${prefix}-${index + 1}`} />
      ))}
    </div>
  );
}

function ChartView({ chart, id }: { readonly chart: Chart; readonly id: string }): VNode {
  return useMemo(
    () => nodeOf(pictureOf(chart, id), <FoldedTable table={chart.table} title={chart.title} />),
    [chart, id],
  );
}

/** The data of a figure, folded away, and made when they are unfolded: there may be thousands of cells. */
export function FoldedTable({ table, title }: { readonly table: Table; readonly title: string }): VNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{dataSummary(table)}</summary>
      {isOpen ? <MarkupView markup={dataTable(table, title)} /> : null}
    </details>
  );
}
