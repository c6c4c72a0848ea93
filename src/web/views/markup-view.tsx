import { h, type VNode } from "preact";
import type { Chart } from "../../report/html/chart.ts";
import { figureOf } from "../../report/html/chart.ts";
import type { Element } from "../../report/html/markup.ts";

/** Markup of the reports as nodes of the page. */
export function MarkupView({ markup }: { readonly markup: Element }): VNode {
  return nodeOf(markup);
}

function nodeOf({ tag, attributes, children }: Element): VNode {
  return h(
    tag,
    attributes as Record<string, string>,
    ...children.map((child) => (typeof child === "string" ? child : nodeOf(child))),
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
        <MarkupView key={index} markup={figureOf(chart, `${prefix}-${index + 1}`)} />
      ))}
    </div>
  );
}
