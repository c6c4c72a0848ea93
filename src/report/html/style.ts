/**
 * Colours on a light and on a dark ground: Okabe and Ito's palette, which colour-blind readers tell apart, darkened or lightened
 * until text reaches 4.5:1 and shapes 3:1 on their ground (WCAG 2.2, 1.4.3 and 1.4.11).
 */
export const paletteStyle: string = `
:root { color-scheme: light dark;
  --ground: #fff; --raised: #f6f7f9; --edge: #d5d9e0; --text: #1b1f27; --muted: #545c69; --accent: #0064a3;
  --s0: #0072b2; --s1: #c44f00; --s2: #007a5a; --s3: #a8437f; --s4: #8a6400; --s5: #4b4f57; --on-fill: #fff; --warn: #fff4e0; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171c; --raised: #1d2128; --edge: #3a414c; --text: #e8eaee; --muted: #a9b1be; --accent: #7cc4f5;
  --s0: #5bb4ec; --s1: #ff8f57; --s2: #3fc79b; --s3: #e79cc5; --s4: #edc04a; --s5: #b7bdc8; --on-fill: #14171c; --warn: #33291a; } }`;

/** What drawings are made of: text, axes, marks. */
export const drawingStyle: string = `
svg text { fill: var(--text); }
svg .tick, svg .axis-label { fill: var(--muted); }
svg .tick { font-size: 11px; }
svg .halo { paint-order: stroke; stroke: var(--raised); stroke-width: 4px; stroke-linejoin: round; }
svg .on-fill { fill: var(--on-fill); }
.grid { stroke: var(--edge); stroke-width: 1; }
.axis { stroke: var(--muted); stroke-width: 1; }
.level { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 6 4; }
.curve, .front, .range { fill: none; stroke-width: 2; }
.front { stroke: var(--muted); stroke-dasharray: 2 3; }
.range { stroke-width: 3; stroke-opacity: .45; }
.fill0 { fill: var(--s0); } .fill1 { fill: var(--s1); } .fill2 { fill: var(--s2); } .fill3 { fill: var(--s3); } .fill4 { fill: var(--s4); } .fill5 { fill: var(--s5); }
.stroke0 { stroke: var(--s0); } .stroke1 { stroke: var(--s1); } .stroke2 { stroke: var(--s2); } .stroke3 { stroke: var(--s3); } .stroke4 { stroke: var(--s4); } .stroke5 { stroke: var(--s5); }
.full { fill: var(--s0); }
.empty { fill: none; stroke: var(--edge); }
.held { fill: var(--ground); stroke: var(--muted); }
.copied, .reduced { fill: var(--ground); stroke: var(--s0); stroke-width: 3; }
.reduced { stroke: var(--s1); }
.arrow { fill: none; stroke: var(--text); stroke-width: 1.5; }
.whisker { stroke: var(--text); stroke-width: 2; }`;

/** The style of every report. */
export const pageStyle: string = `${paletteStyle}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main, header, footer { max-width: 1160px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 40px 0 12px; padding-top: 14px; border-top: 1px solid var(--edge); }
h3 { font-size: 1rem; line-height: 1.35; margin: 0 0 10px; }
h1, h2, h3, p, li, figcaption { overflow-wrap: anywhere; }
.lead { font-size: 1.15rem; max-width: 75ch; margin: 14px 0; }
.about, figcaption, .legend, footer { color: var(--muted); font-size: .875rem; }
.about, p { max-width: 85ch; }
.notes { padding: 10px 14px 10px 30px; background: var(--warn); border-left: 4px solid var(--s4); border-radius: 4px; }
.legend { padding-left: 18px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 20px; align-items: start; }
.charts + * { margin-top: 16px; }
figure { margin: 0; padding: 16px; background: var(--raised); border: 1px solid var(--edge); border-radius: 8px; min-width: 0; }
figure.wide { grid-column: 1 / -1; }
figcaption { margin-top: 8px; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
figure.narrow > svg { max-width: 540px; margin: 0 auto; }
figure.wide svg { min-width: 620px; }
figure.wide svg { max-width: 1080px; }
.scroll { overflow-x: auto; max-width: 100%; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--edge); font-weight: 400; }
td, th[scope=row] { min-width: 4em; }
thead th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
.number { text-align: right; white-space: nowrap; }
.overview th[scope=row] { font-weight: 600; }
.overview th, .overview td { white-space: nowrap; }
details { margin-top: 10px; font-size: .875rem; }
summary { cursor: pointer; color: var(--accent); }
details .scroll { max-height: 320px; overflow-y: auto; margin-top: 6px; }
pre { margin: 0; padding: 12px 14px; background: var(--raised); border: 1px solid var(--edge); border-radius: 6px; font: .8125rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; width: max-content; min-width: 100%; }
pre.copy { user-select: all; }
.player ol { list-style: none; margin: 0; padding: 0; }
.step { margin: 0 0 16px; }
figure .step svg { width: auto; min-width: 0; max-width: none; zoom: 1.15; }
.step p { margin: 0 0 6px; font-weight: 600; }
.controls { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-bottom: 12px; }
button { font: inherit; font-size: .875rem; padding: 6px 14px; color: var(--text); background: var(--ground); border: 1px solid var(--muted); border-radius: 6px; cursor: pointer; }${drawingStyle}
@media (prefers-reduced-motion: no-preference) {
  .player.live .arrow { stroke-dasharray: 400; animation: travel .5s ease-out; }
  @keyframes travel { from { stroke-dashoffset: 400; } to { stroke-dashoffset: 0; } } }
@media (max-width: 480px) { main, header, footer { padding-left: 12px; padding-right: 12px; } figure { padding: 12px 10px; } }
@media print {
  :root { color-scheme: light; --ground: #fff; --raised: #fff; --edge: #ccc; --text: #000; --muted: #444; --accent: #000;
    --s0: #0072b2; --s1: #c44f00; --s2: #007a5a; --s3: #a8437f; --s4: #8a6400; --s5: #4b4f57; --on-fill: #fff; --warn: #fff; }
  body { font-size: 10pt; }
  figure, .step { break-inside: avoid; } figure.wide { break-inside: auto; }
  .charts { grid-template-columns: 1fr 1fr; }
  .controls { display: none; }
  .step[hidden] { display: list-item; }
  figure.wide svg { min-width: 0; }
  .scroll { overflow: visible; }
  pre { white-space: pre-wrap; width: auto; } }
`;
