import { type Element, element, type Markup } from "./markup.ts";

/** A drawing that says what it shows, and the numbers behind it. */
export interface Chart {
  /** The finding, in a sentence. */
  readonly title: string;
  /** What a person who does not see the drawing has to know of it. */
  readonly description: string;
  /** How to read it: what is drawn, units, what was left out. */
  readonly caption: string;
  readonly drawing: Drawing;
  readonly table: Table;
}

/** The contents of an SVG, in its own units; text is 12 of them high. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly content: readonly Element[];
}

/** Rows of text under a heading. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Width of a drawing that a phone shows whole; wider ones scroll there. */
export const narrowWidth = 400;

/** Columns of a drawing that is as wide as the page. */
export const wideWidth = 860;

/** A chart as a figure; `id` is its own in the document. */
export function figureOf(chart: Chart, id: string): Element {
  const picture = pictureOf(chart, id);
  return { ...picture, children: [...picture.children, dataOf(chart.table, chart.title)] };
}

/** The figure of a chart without its data. */
export function pictureOf({ title, description, caption, drawing }: Chart, id: string): Element {
  const isWide = drawing.width > narrowWidth;
  const picture = svgOf(drawing, title, description, id);
  return element(
    "figure",
    { id, class: isWide ? "wide" : "narrow" },
    element("h3", {}, title),
    isWide ? scroller(`${title} Scrolls sideways.`, picture) : picture,
    element("figcaption", {}, caption),
  );
}

/** An SVG with its name and description. */
export function svgOf(drawing: Drawing, title: string, description: string, id: string): Element {
  const { width, height, content } = drawing;
  return element(
    "svg",
    {
      viewBox: `0 0 ${width} ${Math.ceil(height)}`,
      width,
      role: "img",
      "aria-labelledby": `${id}-title ${id}-description`,
    },
    element("title", { id: `${id}-title` }, title),
    element("desc", { id: `${id}-description` }, description),
    content,
  );
}

/** The data of a figure, folded away. */
export function dataOf(table: Table, title: string): Element {
  return element("details", {}, element("summary", {}, dataSummary(table)), dataTable(table, title));
}

/** What stands for the data of a figure while they are folded away. */
export function dataSummary({ rows }: Table): string {
  return `Data: ${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
}

/** The data of a figure, unfolded. */
export function dataTable(table: Table, title: string): Element {
  return scroller(`Data of: ${title}`, tableOf(table));
}

/** A table whose first column names its rows. */
export function tableOf({ columns, rows }: Table): Element {
  const isNumber = columns.map((_, column) => rows.every((row) => /^$|^[−<≥-]?[\s.]*\d/.test(row[column]!)));
  const classOf = (column: number): { class?: string } => (isNumber[column] ? { class: "number" } : {});
  const cell = (text: Markup, column: number): Element =>
    column === 0
      ? element("th", { scope: "row", ...classOf(column) }, text)
      : element("td", classOf(column), text);
  return element(
    "table",
    {},
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        columns.map((title, column) =>
          title === "" ? element("td") : element("th", { scope: "col", ...classOf(column) }, title),
        ),
      ),
    ),
    element(
      "tbody",
      {},
      rows.map((row) => element("tr", {}, row.map(cell))),
    ),
  );
}

/** What may be wider than the page scrolls by itself, with the keyboard too. */
export function scroller(label: string, content: Element): Element {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, content);
}
