import type { Breakdown } from "../../cost/estimate/breakdown.ts";
import type { Estimate } from "../../cost/estimate/estimate.ts";
import type { LayerEstimate } from "../../cost/estimate/layers.ts";
import type { Slice } from "../../cost/timeline/streams.ts";
import { causeNames } from "../estimate-summary.ts";
import { formatSeconds, plural } from "../format.ts";
import { barsChart } from "./bars-chart.ts";
import { binsOf, pointOf } from "./bin.ts";
import type { Chart } from "./chart.ts";
import { number } from "./figures.ts";
import { type Lane, lanesChart } from "./lanes-chart.ts";
import { paretoChart } from "./pareto-chart.ts";
import { drawPlot } from "./plot.ts";

const percentOf = (value: number): string => `${number(value, 2)} %`;

/** A step with no, local and synchronised BatchNorm. */
export function stepChart({ noBatchNorm, localBatchNorm, syncBatchNorm }: Estimate): Chart {
  const { group, stepSeconds, lowSeconds, highSeconds, overheadPercent } = syncBatchNorm;
  const bars = [
    { name: "no BatchNorm", parts: [noBatchNorm.stepSeconds] },
    { name: "local BatchNorm", parts: [localBatchNorm.stepSeconds] },
    { name: `synchronised over ${group}`, parts: [stepSeconds], low: lowSeconds, high: highSeconds },
  ];
  return barsChart(bars, {
    title: `Synchronising ${plural(group, "rank")} makes a step of ${formatSeconds(localBatchNorm.stepSeconds)} ${percentOf(overheadPercent)} longer.`,
    description: bars.map(({ name, parts }) => `${name}: ${formatSeconds(parts[0]!)}`).join("; "),
    caption: "Predicted time of a training step. The whisker is the band of what synchronisation adds.",
    axis: "time of a step",
    format: formatSeconds,
    parts: [],
    table: {
      columns: ["BatchNorm", "step", "low", "high"],
      rows: bars.map(({ name, parts, low, high }) => [
        name,
        ...[parts[0]!, low, high].map((seconds) => (seconds === undefined ? "" : formatSeconds(seconds))),
      ]),
    },
  });
}

/** Where the overhead goes. */
export function breakdownChart({ syncBatchNorm: { breakdown }, baselineStepSeconds }: Estimate): Chart {
  const causes = Object.keys(causeNames) as (keyof Breakdown)[];
  const [largest] = causes.toSorted((a, b) => breakdown[b].exposedSeconds - breakdown[a].exposedSeconds);
  const { exposedSeconds } = breakdown[largest!];
  const bars = causes.map((cause) => ({
    name: causeNames[cause],
    parts: [breakdown[cause].exposedSeconds, breakdown[cause].hiddenSeconds],
  }));
  return barsChart(bars, {
    title: `The largest cause is ${causeNames[largest!].replace(/: (.*)/, " ($1)")}: ${formatSeconds(exposedSeconds)}, ${percentOf((100 * exposedSeconds) / baselineStepSeconds)} of a step.`,
    description: bars
      .map(
        ({ name, parts }) =>
          `${name}: ${formatSeconds(parts[0]!)} exposed, ${formatSeconds(parts[1]!)} hidden`,
      )
      .join("; "),
    caption:
      "What each cause adds to a step (exposed), and what it spends while the step waits for something else (hidden).",
    axis: "time in a step",
    format: formatSeconds,
    parts: ["exposed", "hidden"],
    table: {
      columns: ["cause", "exposed", "hidden"],
      rows: bars.map(({ name, parts }) => [name, ...parts.map(formatSeconds)]),
    },
  });
}

/** Cost against divergence by group size. */
export function groupsChart({ groups, cluster }: Estimate): Chart {
  const base = groups[0]!.stepSeconds;
  return paretoChart(
    groups.map(({ group, label, stepSeconds, outputMse }) => ({
      name: label === null ? `${group} ranks` : `${label}: ${plural(group, "rank")}`,
      kind: "group",
      seconds: stepSeconds - base,
      error: Math.sqrt(outputMse),
    })),
    {
      cost: "what synchronisation adds to a step",
      error: "error of y, i.i.d. data",
      more: `Cost: predicted step on ${cluster}, less the one of the smallest group. Error: closed form for independent Gaussian values, over all BatchNorms.`,
    },
  );
}

/** Layers that are drawn one by one. */
const layersMaximum = 120;

/** What each BatchNorm adds. */
export function layersChart({ layers }: Estimate): Chart {
  const overheads = layers.map(({ overheadSeconds }) => overheadSeconds);
  const total = overheads.reduce((sum, seconds) => sum + seconds, 0);
  const [dearest] = layers.toSorted((a, b) => b.overheadSeconds - a.overheadSeconds) as [LayerEstimate];
  const bins = binsOf(overheads, layersMaximum);
  return {
    title: `${dearest.name} is the dearest of ${plural(layers.length, "layer")}: ${formatSeconds(dearest.overheadSeconds)} of ${formatSeconds(total)}.`,
    description: `What each of ${layers.length} BatchNorms adds to the compute stream, in the order of the forward pass.`,
    caption:
      "How much longer the compute stream is busy with each BatchNorm, or waits in it, than with a local one; in the order of the forward pass." +
      (bins.length === layers.length
        ? ""
        : ` Each mark stands for ${bins[0]!.last + 1} layers: their mean and range.`),
    drawing: drawPlot([], 250, {
      x: { label: "BatchNorm", format: (index) => `${index}`, kind: "linear", ticks: 8 },
      y: { label: "added time", format: formatSeconds, kind: "linear", ticks: 5 },
      series: [{ index: 0, points: bins.map(pointOf), isJoined: false }],
      levels: [],
    }),
    table: {
      columns: ["number", "layer", "channels", "added", "wire"],
      rows: layers.map(({ name, channels, overheadSeconds, wireSeconds }, index) => [
        `${index}`,
        name,
        `${channels}`,
        formatSeconds(overheadSeconds),
        formatSeconds(wireSeconds),
      ]),
    },
  };
}

const tracks = ["host", "compute", "communication"] as const;

/** What a slice is, whatever layer it belongs to. */
function kindOf({ track, name, isSkew }: Slice): string {
  if (isSkew) return "waiting for the slowest rank";
  if (/ (all-reduce|all-gather|exchange through host)$/.test(name))
    return track === "host"
      ? "launches"
      : name.startsWith("gradients ")
        ? "gradients' all-reduce"
        : "SyncBN's collectives";
  if (track === "host")
    return / host sync$| ready$| copy to host$/.test(name) ? "host waits for the device" : "launches";
  return "kernels";
}

/** The synchronised step on the streams of the rank that stands for all. */
export function streamsChart({ syncBatchNorm, gpus }: Estimate, slices: readonly Slice[]): Chart {
  const lanes = tracks.map(
    (track): Lane => ({
      name: track,
      slices: slices
        .filter((slice) => slice.track === track)
        .map((slice) => ({
          kind: kindOf(slice),
          name: "",
          startSeconds: slice.startSeconds,
          durationSeconds: slice.durationSeconds,
        })),
    }),
  );
  const end = Math.max(...slices.map(({ startSeconds, durationSeconds }) => startSeconds + durationSeconds));
  const kernels = slices
    .filter((slice) => slice.track === "compute" && kindOf(slice) === "kernels")
    .reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
  return lanesChart(
    lanes.filter((lane) => lane.slices.length > 0),
    {
      title: `Kernels fill ${number((100 * kernels) / end, 2)} % of the compute stream in a step synchronised over ${plural(syncBatchNorm.group, "rank")}.`,
      description: `Host, compute and communication stream of one of ${gpus} GPUs during a training step of ${formatSeconds(end)}.`,
      caption:
        "The rank that stands for all: forward pass, backward pass with the gradients' all-reduce beside it, optimiser. As modelled; " +
        "--trace writes every slice.",
    },
  );
}
