import { type Part, partsOf } from "../../explain/blocks.ts";
import type { Crossover } from "../../explain/crossover.ts";
import type { Explanation } from "../../explain/explain.ts";
import { meshName } from "../../explain/written-mesh.ts";
import { enumerate, formatBytes, plural } from "../format.ts";
import { type Chart, narrowWidth, scroller, tableOf } from "./chart.ts";
import { heatMap } from "./heat-map.ts";
import { type Element, element } from "./markup.ts";
import { drawPlot } from "./plot.ts";
import { chartGrid, chartSection, type Digest, type Origin, paragraph, writePage } from "./report-page.ts";

/** An explanation as one HTML file. */
export function explainPage(explanation: Explanation, origin: Origin, digest: Digest): string {
  const { mesh, normalizers, crossover } = explanation;
  return writePage(
    {
      title: `Who communicates on ${meshName(mesh)}, and why`,
      about: `Measured by running ${enumerate(normalizers.map(({ name }) => name))} and changing one element of x on each rank in turn.`,
      origin,
      content: [
        paragraph(findingOf(explanation), "lead"),
        ...sectionsOf(partsOf(explanation)),
        chartSection("Where sharded LayerNorm overtakes SyncBN", "crossover", [crossoverChart(crossover)]),
      ],
    },
    digest,
  );
}

function findingOf({ normalizers }: Explanation): string {
  const ran = normalizers.filter(({ messages }) => messages !== null);
  const silent = ran.filter(({ messages }) => messages === 0).map(({ name }) => name);
  const senders = ran
    .filter(({ messages }) => messages !== 0)
    .map(({ name, messages }) => `${name} moved ${plural(messages!, "message")}`);
  const sent = silent.length === 0 ? [] : [`${enumerate(silent)} sent nothing`];
  return `${[...senders, ...sent].join("; ")} in a training step.`;
}

/** Parts under their headings; what comes before the first heading stands alone. */
function sectionsOf(parts: readonly Part[]): Element[] {
  const sections: Element[][] = [[]];
  for (const [index, part] of parts.entries()) {
    if (part.kind === "heading") sections.push([]);
    sections.at(-1)!.push(elementOf(part, index));
  }
  return sections.map((content) => element("section", {}, content));
}

function elementOf(part: Part, index: number): Element {
  switch (part.kind) {
    case "heading":
      return element("h2", {}, part.text);
    case "paragraph":
      return paragraph(part.text);
    case "lines":
      return scroller("Worked through", element("pre", {}, part.lines.join("\n")));
    case "table": {
      const [columns, ...rows] = part.rows as [readonly string[], ...(readonly string[])[]];
      return scroller("Table", tableOf({ columns, rows }));
    }
    case "dependency":
      return chartGrid(`dependency-${index}`, [
        dependencyChart(part.name, "y", part.forward),
        dependencyChart(part.name, "dx", part.backward),
      ]);
  }
}

/** Whose y or dx depends on whose x. */
export function dependencyChart(
  name: string,
  output: "y" | "dx",
  matrix: readonly (readonly number[])[],
): Chart {
  const ranks = matrix.length;
  const others = matrix.map((row, rank) => row.filter((it, at) => it === 1 && at !== rank).length);
  const [least, most] = [Math.min(...others), Math.max(...others)];
  const who =
    most === 0
      ? "no other rank's x"
      : least === ranks - 1
        ? `the x of all ${ranks} ranks`
        : `the x of ${least === most ? most : `${least} to ${most}`} other ${most === 1 ? "rank" : "ranks"}`;
  const names = matrix.map((_, rank) => `${rank}`);
  const map = heatMap(
    matrix,
    names,
    { left: 0, top: 0, width: narrowWidth },
    {
      row: `↑ ${output} of this rank`,
      column: "x changed on this rank →",
    },
  );
  return {
    title: `${name}: a rank's ${output} depends on ${who}.`,
    description: `A map of ${ranks} by ${ranks} ranks; ${others.reduce((sum, it) => sum + it, 0)} cells off the diagonal are filled.`,
    caption: `Filled: at least one bit of ${output} changed when one element of x was changed on that rank.`,
    drawing: { width: narrowWidth, ...map },
    table: {
      columns: [`${output} of rank`, ...names.map((rank) => `x of rank ${rank}`)],
      rows: matrix.map((row, rank) => [`${rank}`, ...row.map((it) => (it === 1 ? "changed" : "same"))]),
    },
  };
}

function crossoverChart({ channels, syncBatchNorm, rows, firstDearerTokens }: Crossover): Chart {
  const synchronized = syncBatchNorm.forward + syncBatchNorm.backward;
  const points = rows.map(({ tokens, layerNorm }) => ({
    x: tokens,
    y: layerNorm.forward + layerNorm.backward,
  }));
  return {
    title: `From ${firstDearerTokens} tokens a rank, sharded LayerNorm sends more than SyncBN of ${channels} channels.`,
    description: `Payload of one rank and step over its tokens: LayerNorm's grows, SyncBN's stays at ${formatBytes(synchronized)}.`,
    caption:
      "Float32 bytes that one rank contributes in a training step, forward and backward, by the rule; both axes logarithmic.",
    drawing: drawPlot(["sharded LayerNorm", "SyncBN"], 260, {
      x: { label: "tokens on a rank", format: String, kind: "log2", ticks: 6 },
      y: { label: "payload", format: formatBytes, kind: "log2", ticks: 6 },
      series: [
        { index: 0, points, isJoined: true },
        { index: 1, points: points.map(({ x }) => ({ x, y: synchronized })), isJoined: true },
      ],
      levels: [],
    }),
    table: {
      columns: ["tokens", "LayerNorm", "SyncBN"],
      rows: points.map(({ x, y }) => [`${x}`, `${y} B`, `${synchronized} B`]),
    },
  };
}
