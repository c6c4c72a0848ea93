import type { Overview } from "../overview.ts";
import { type Chart, figureOf, scroller, tableOf } from "./chart.ts";
import { type Element, element, renderMarkup } from "./markup.ts";
import { playerScript } from "./player.ts";
import { pageStyle } from "./style.ts";

/** SHA-256 of a text in UTF-8, as Base64: whoever writes a page has one at hand. */
export type Digest = (text: string) => string;

/** Where a page comes from. */
export interface Origin {
  /** Version of normsim. */
  readonly version: string;
  /** The command that makes the same numbers. */
  readonly command: string;
}

/** A page to write. */
export interface Page {
  readonly title: string;
  /** One line on what was computed. */
  readonly about: string;
  /** What is null is left out. */
  readonly content: readonly (Element | null)[];
  readonly origin: Origin;
}

/**
 * A page as one HTML file that loads nothing: its only style and script are those that its policy names by their hashes. The same
 * page gives the same bytes.
 */
export function writePage({ title, about, content, origin }: Page, digest: Digest): string {
  const policy =
    `default-src 'none'; style-src 'sha256-${digest(pageStyle)}'; script-src 'sha256-${digest(playerScript)}'; ` +
    "base-uri 'none'; form-action 'none'";
  const html = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("title", {}, `${title} · normsim`),
      element("style", {}, pageStyle),
    ),
    element(
      "body",
      {},
      element("header", {}, element("h1", {}, title), element("p", { class: "about" }, about)),
      element("main", {}, ...content),
      element(
        "footer",
        {},
        element("p", {}, `Made by normsim ${origin.version}. The same numbers:`),
        codeOf("Command", origin.command),
        element("p", {}, "Model time is predicted, never measured here."),
      ),
      element("script", {}, playerScript),
    ),
  );
  return `<!doctype html>\n${renderMarkup(html)}\n`;
}

/** A heading and what stands under it. */
export function section(heading: string, ...content: readonly (Element | null)[]): Element {
  return element("section", {}, element("h2", {}, heading), ...content);
}

/** A heading and charts under it; their ids are `<prefix>-1`, `<prefix>-2`, ... */
export function chartSection(heading: string, prefix: string, charts: readonly Chart[]): Element {
  return section(heading, chartGrid(prefix, charts));
}

/** The scenario as it was written. */
export function scenarioSection(written: string): Element {
  return section(
    "The scenario",
    paragraph("As it was written; a click selects all of it."),
    codeOf("Scenario", written),
  );
}

/** Charts side by side where there is room; ids are `<prefix>-1`, `<prefix>-2`, ... */
export function chartGrid(prefix: string, charts: readonly Chart[]): Element {
  const figures = charts.map((chart, index) => figureOf(chart, `${prefix}-${index + 1}`));
  return element("div", { class: "charts" }, figures);
}

/** The overview table of the terminal. */
export function overviewTable({ heading, columns, rows }: Overview): Element {
  const table = tableOf({ columns: columns.map(({ title }) => title), rows });
  return element("div", { class: "overview" }, scroller(heading, table));
}

/** A paragraph. */
export function paragraph(text: string, kind?: string): Element {
  return element("p", kind === undefined ? {} : { class: kind }, text);
}

/** A list of sentences; null where there are none. */
export function listOf(sentences: readonly string[], kind: string): Element | null {
  if (sentences.length === 0) return null;
  return element(
    "ul",
    { class: kind },
    sentences.map((sentence) => element("li", {}, sentence)),
  );
}

/** Text as it was written; a click selects all of it. */
export function codeOf(name: string, text: string): Element {
  return scroller(name, element("pre", { class: "copy" }, text));
}
