// Prints docs/picture.svg, the picture of the README: what scenarios/quickstart.yaml and `normsim explain` give, as their pages draw it.
//   npm run docs
import { readFileSync } from "node:fs";
import { explain, type NormalizerExplanation, parseScenario, simulate } from "../src/index.ts";
import { svgOf } from "../src/report/html/chart.ts";
import { choicesOf, paretoTexts } from "../src/report/html/choices.ts";
import { heatMap } from "../src/report/html/heat-map.ts";
import { type Element, element, renderMarkup } from "../src/report/html/markup.ts";
import { paretoChart } from "../src/report/html/pareto-chart.ts";
import { box, label } from "../src/report/html/shapes.ts";
import { drawingStyle, paletteStyle } from "../src/report/html/style.ts";

const [width, margin, gap] = [900, 20, 40];
/** Characters of a title's line: 400 units of text in bold. */
const lineLength = 50;
const titleHeight = 48;

const at = (x: number, y: number, content: readonly Element[]): Element =>
  element("g", { transform: `translate(${x},${y})` }, content);

function titled(title: string, content: readonly Element[]): Element[] {
  const lines: string[] = [];
  for (const word of title.split(/ (?!%)/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= lineLength) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return [
    ...lines.map((line, index) => label(0, 14 + 18 * index, line, "start", "title")),
    at(0, titleHeight, content),
  ];
}

/** What a rank's y depends on, of one normaliser. */
function dependencyOf({ name, dependency, messages, wireBytes }: NormalizerExplanation): Element[] {
  const forward = dependency!.forward;
  const axes = { row: "↑ y of this rank", column: "x changed on rank →" };
  const map = heatMap(
    forward,
    forward.map((_, rank) => `${rank}`),
    { left: 0, top: 26, width: 170 },
    axes,
  );
  const cost = messages === 0 ? "nothing sent" : `${messages} messages, ${wireBytes} B`;
  return [label(0, 12, `${name}: ${cost}`, "start", "name"), ...map.content];
}

const scenario = parseScenario(
  readFileSync(new URL("../scenarios/quickstart.yaml", import.meta.url), "utf8"),
  "scenarios/quickstart.yaml",
);
const report = await simulate(scenario);
const pareto = paretoChart(choicesOf(report), paretoTexts(report, scenario.cluster.name));
const { normalizers } = await explain({ normalizers: ["SyncBN", "layer-norm"], mesh: "data=4" });
const reach = ({ name, dependency }: NormalizerExplanation): string => {
  const isAlone = dependency!.forward.every((row, rank) =>
    row.every((it, other) => it === 0 || other === rank),
  );
  return `${name}'s on ${isAlone ? "its own" : "all"}`;
};
const finding = `Whose x does a rank's y depend on? ${normalizers.map(reach).join(", ")}.`;

const height = margin + titleHeight + pareto.drawing.height + margin;
const maps = normalizers.map((it, index) => at(220 * index, 0, dependencyOf(it)));
const style = `${paletteStyle}
svg { font: 12px system-ui, "Segoe UI", Roboto, Arial, sans-serif; }
.ground { fill: var(--raised); stroke: var(--edge); }
.title { font-size: 14px; font-weight: 600; } .name { font-weight: 600; }${drawingStyle}`;
const picture = svgOf(
  {
    width,
    height,
    content: [
      element("style", {}, style),
      box(0.5, 0.5, width - 1, height - 1, "ground", { rx: 8 }),
      at(margin, margin, titled(pareto.title, pareto.drawing.content)),
      at(margin + pareto.drawing.width + gap, margin, titled(finding, maps)),
    ],
  },
  `${pareto.title} ${finding}`,
  `${pareto.description} Beside it, maps of ranks by ranks, measured on four ranks by changing one element of x on each.`,
  "picture",
);
process.stdout.write(
  `${renderMarkup({ ...picture, attributes: { xmlns: "http://www.w3.org/2000/svg", ...picture.attributes } })}\n`,
);
