import type { NormalizerRecord, Simulation } from "../../engine/simulation.ts";
import { formatBytes, plural } from "../format.ts";
import { binName } from "./bin.ts";
import { type Chart, narrowWidth } from "./chart.ts";
import { heatMap } from "./heat-map.ts";

/** Rows and columns of a map; more ranks are drawn in blocks. */
const cellsMaximum = 32;

/** Bytes that went from each rank to each other in one training step, by the messages that the ledger was held against. */
export function linkChart(record: NormalizerRecord, { workload }: Simulation): Chart {
  const { worldSize, scenario } = workload;
  const links = linkBytes(record, worldSize, scenario.trainingSteps);
  const ranksPerCell = Math.ceil(worldSize / cellsMaximum);
  const cells = Math.ceil(worldSize / ranksPerCell);
  const values = Array.from({ length: cells }, () => new Array<number>(cells).fill(0));
  for (const { source, target, bytes } of links)
    values[Math.floor(source / ranksPerCell)]![Math.floor(target / ranksPerCell)]! += bytes;
  const names = values.map((_, cell) => `${cell * ranksPerCell}`);
  const rangeOf = (cell: number): string =>
    binName({ first: cell * ranksPerCell, last: Math.min(worldSize, (cell + 1) * ranksPerCell) - 1 });
  const map = heatMap(
    values,
    names,
    { left: 0, top: 0, width: narrowWidth },
    {
      row: "↑ from this rank",
      column: "to this rank →",
    },
  );
  const { name } = record.spec;
  return {
    title: findingOf(name, links, worldSize, scenario.cluster.gpusPerNode),
    description: `A map of ${plural(cells, "row")} and as many columns: bytes that ${name} sends from each rank to each other.`,
    caption:
      `Bytes of one training step by source and target, from the schedules that the ledger was held against; the darkest cell ` +
      `is ${formatBytes(Math.max(...values.flat()))}.` +
      (ranksPerCell === 1
        ? ""
        : ` Each cell is the sum over blocks of ${ranksPerCell} by ${ranksPerCell} ranks.`),
    drawing: { width: narrowWidth, ...map },
    table: {
      columns: [
        ranksPerCell === 1 ? "from rank" : "from ranks",
        ranksPerCell === 1 ? "to rank" : "to ranks",
        "bytes",
      ],
      rows: values.flatMap((row, from) =>
        row.flatMap((bytes, to) => (bytes === 0 ? [] : [[rangeOf(from), rangeOf(to), `${bytes}`]])),
      ),
    },
  };
}

interface Link {
  readonly source: number;
  readonly target: number;
  readonly bytes: number;
}

function linkBytes({ collectives }: NormalizerRecord, worldSize: number, trainingSteps: number): Link[] {
  const bytes = new Map<number, number>();
  for (const { schedule, elementBytes, group, trainingStep } of collectives) {
    if (trainingStep !== trainingSteps - 1) continue;
    for (let i = 0; i < schedule.source.length; i++) {
      const link = group.ranks[schedule.source[i]!]! * worldSize + group.ranks[schedule.target[i]!]!;
      bytes.set(link, (bytes.get(link) ?? 0) + schedule.length[i]! * elementBytes);
    }
  }
  return [...bytes].map(([link, sum]) => ({
    source: Math.floor(link / worldSize),
    target: link % worldSize,
    bytes: sum,
  }));
}

function findingOf(name: string, links: readonly Link[], worldSize: number, gpusPerNode: number): string {
  const amounts = links.map(({ bytes }) => bytes);
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
  const [low, high] = [formatBytes(least), formatBytes(most)];
  const each = low === high ? `${low} each` : `${low} to ${high} each`;
  const possible = worldSize * (worldSize - 1);
  const nodeOf = (rank: number): number => Math.floor(rank / gpusPerNode);
  const between = links.filter(({ source, target }) => nodeOf(source) !== nodeOf(target)).length;
  const across =
    worldSize <= gpusPerNode
      ? ""
      : `; ${between === 0 ? "none" : between} of them ${between === 1 ? "leaves" : "leave"} a node`;
  return `${name} uses ${links.length} of ${possible} links, with ${each}${across}.`;
}
