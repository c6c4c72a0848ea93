import type { NormalizerRecord, Simulation } from "../../engine/simulation.ts";
import { enumerate } from "../format.ts";
import type { NormalizerReport, Report } from "../report.ts";
import { binName, binsOf, pointOf } from "./bin.ts";
import type { Chart, Table } from "./chart.ts";
import { number, percent } from "./figures.ts";
import { drawPlot } from "./plot.ts";
import { seriesMaximum } from "./shapes.ts";

/** Channels that are drawn one by one. */
const channelsMaximum = 128;

/** Below this error of y a channel agrees with the whole batch: what float32 rounding explains. */
const rounding = 1e-4;
/** How many times the i.i.d. expectation an error may be, or that part of it, before the data are called different. */
const excessFactor = 1.5;

interface Curve {
  readonly name: string;
  /** Root mean square of y − y of the whole batch, one per channel, over all training steps. */
  readonly errors: readonly number[];
  /** The same of independent Gaussian data, over all channels; null: no closed form. */
  readonly expected: number | null;
}

/** How far each normaliser's y is from the whole batch's, channel by channel, with what sampling alone gives. */
export function divergenceChart(report: Report, { normalizers, workload }: Simulation): Chart {
  const all = report.normalizers
    .map((normalizer, index) => curveOf(normalizer, normalizers[index]!, workload.channels))
    .sort((a, b) => largest(b) - largest(a));
  const agreeing = all.filter((curve) => largest(curve) < rounding);
  const apart = agreeing.length === all.length ? all : all.filter((curve) => !agreeing.includes(curve));
  const curves = apart.slice(0, seriesMaximum);
  const left = apart.length - curves.length;
  const perMark = Math.ceil(workload.channels / channelsMaximum);
  return {
    title: findingOf(curves),
    description: `Error of y for ${workload.channels} channels and ${enumerate(curves.map(({ name }) => name))}; dashed lines at the expected values.`,
    caption:
      "Root mean square of y − y of the whole batch in each channel, in percent of the root mean square of x̂. Dashed: its closed form " +
      "for independent Gaussian data, where there is one." +
      (perMark === 1
        ? ""
        : ` Each mark stands for ${perMark} channels: their mean, and the range of their values.`) +
      (apart === all || agreeing.length === 0
        ? ""
        : ` Not drawn, because no channel differs beyond rounding: ${enumerate(agreeing.map(({ name }) => name))}.`) +
      (left === 0
        ? ""
        : ` The ${curves.length} with the largest errors; ${left} more are in the table above.`),
    drawing: drawPlot(
      curves.map(({ name }) => name),
      270,
      {
        x: {
          label: "channel",
          format: (channel) => (Number.isInteger(channel) ? `${channel}` : ""),
          kind: "linear",
          ticks: 8,
        },
        y: { label: "error of y, %", format: (share) => number(100 * share, 3), kind: "linear", ticks: 5 },
        series: curves.map(({ errors }, index) => ({
          index,
          points: binsOf(errors, channelsMaximum).map(pointOf),
          isJoined: false,
        })),
        levels: curves.flatMap(({ expected }, series) =>
          expected === null ? [] : [{ y: expected, series }],
        ),
      },
    ),
    table: tableOf(curves),
  };
}

function tableOf(curves: readonly Curve[]): Table {
  const bins = curves.map(({ errors }) => binsOf(errors, channelsMaximum));
  return {
    columns: ["channel", ...curves.map(({ name }) => name)],
    rows: [
      ...bins[0]!.map((bin, at) => [binName(bin), ...bins.map((own) => percent(own[at]!.mean))]),
      [
        "i.i.d. Gaussian",
        ...curves.map(({ expected }) => (expected === null ? "no form" : percent(expected))),
      ],
    ],
  };
}

const largest = ({ errors }: Curve): number => errors.reduce((most, error) => Math.max(most, error), 0);

/** Entries are one per training step and channel, channels fastest. */
function curveOf(
  { name, divergence }: NormalizerReport,
  { divergence: { outputMse } }: NormalizerRecord,
  channels: number,
): Curve {
  const steps = outputMse.length / channels;
  const errors = Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    for (let step = 0; step < steps; step++) sum += outputMse[step * channels + channel]!;
    return Math.sqrt(sum / steps);
  });
  const { expected } = divergence.outputMse;
  return { name, errors, expected: expected === null ? null : Math.sqrt(expected) };
}

function findingOf([worst]: readonly Curve[]): string {
  const { name, errors, expected } = worst!;
  const most = largest(worst!);
  if (!errors.every(Number.isFinite)) return `${name} has channels whose y is not finite.`;
  if (most < rounding) return "No channel's y differs from the whole batch's by more than rounding.";
  const channel = errors.indexOf(most);
  const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
  const said = `${name} is off by ${percent(rms, 2)}, by ${percent(most, 2)} in channel ${channel}`;
  if (expected === null) return `${said}.`;
  const ratio = rms / expected;
  if (ratio > excessFactor) return `${said}; sampling alone explains ${percent(expected, 2)}.`;
  if (ratio < 1 / excessFactor) return `${said}, less than the ${percent(expected, 2)} of i.i.d. data.`;
  return `${said}, as much as sampling alone explains (${percent(expected, 2)}).`;
}
