import { type Attributes, type Element, element } from "./markup.ts";

/** Series that can be told apart, by shape and by colour. */
export const seriesMaximum = 6;

/** A line from point to point. */
export function line(x1: number, y1: number, x2: number, y2: number, kind: string): Element {
  return element("line", { x1, y1, x2, y2, class: kind });
}

/** Text; `anchor` is where x is: its start, middle or end. */
export function label(
  x: number,
  y: number,
  text: string,
  anchor: "start" | "middle" | "end" = "start",
  kind = "",
): Element {
  const attributes: Attributes = anchor === "start" ? { x, y } : { x, y, "text-anchor": anchor };
  return element("text", kind === "" ? attributes : { ...attributes, class: kind }, text);
}

/** A filled rectangle. */
export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  kind: string,
  more: Attributes = {},
): Element {
  return element("rect", {
    x,
    y,
    width: Math.max(0, width),
    height: Math.max(0, height),
    class: kind,
    ...more,
  });
}

/** A line through points. */
export function polyline(points: readonly (readonly [number, number])[], kind: string): Element {
  const text = points.map(([x, y]) => `${Math.round(x * 100) / 100},${Math.round(y * 100) / 100}`).join(" ");
  return element("polyline", { points: text, class: kind });
}

/** Outlines around (0, 0), about 8 across. */
const outlines: readonly string[] = [
  "M-3.6,0a3.6,3.6 0 1,0 7.2,0a3.6,3.6 0 1,0 -7.2,0Z",
  "M-3.3,-3.3H3.3V3.3H-3.3Z",
  "M0,-4.4L4.1,3.2H-4.1Z",
  "M0,-4.6L4.6,0L0,4.6L-4.6,0Z",
  "M-4.1,-3.2H4.1L0,4.4Z",
  "M-1.4,-4.4H1.4V-1.4H4.4V1.4H1.4V4.4H-1.4V1.4H-4.4V-1.4H-1.4Z",
];

/** The mark of a series. */
export function marker(series: number, x: number, y: number): Element {
  const transform = `translate(${Math.round(x * 100) / 100},${Math.round(y * 100) / 100})`;
  return element("path", { d: outlines[series % seriesMaximum]!, transform, class: fillOf(series) });
}

/** The class that fills a shape in a series' colour. */
export function fillOf(series: number): string {
  return `fill${series % seriesMaximum}`;
}

/** The class that draws a line in a series' colour. */
export function strokeOf(series: number): string {
  return `stroke${series % seriesMaximum}`;
}

/** Approximate width of a text, 12 high in a sans-serif face. */
export function textWidth(text: string): number {
  return 6.4 * text.length;
}

/** A text of at most `count` characters. */
export function shortened(text: string, count: number): string {
  return text.length <= count ? text : `${text.slice(0, count - 1)}…`;
}

/** Names of series beside their marks, in rows of at most `width`; gives how high they are. */
export function legend(
  names: readonly string[],
  left: number,
  top: number,
  width: number,
  markOf: (series: number, x: number, y: number) => Element = marker,
): { readonly content: Element[]; readonly height: number } {
  let x = left;
  let y = top + 10;
  const content = names.flatMap((name, series) => {
    const text = shortened(name, 28);
    const needed = 26 + textWidth(text);
    if (x > left && x + needed > left + width) {
      x = left;
      y += 18;
    }
    const entry = [markOf(series, x + 6, y - 4), label(x + 15, y, text)];
    x += needed;
    return entry;
  });
  return { content, height: names.length === 0 ? 0 : y - top + 10 };
}
