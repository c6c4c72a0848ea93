import { communicationOf } from "../../cost/communication.ts";
import type { Simulation } from "../../engine/simulation.ts";
import { formatSeconds } from "../format.ts";
import type { Chart } from "./chart.ts";
import { type Lane, lanesChart } from "./lanes-chart.ts";

/** The collectives of the last training step, one lane for each normaliser that has some, back to back; undefined if none has. */
export function collectivesTimeline(simulation: Simulation): Chart | undefined {
  const { scenario } = simulation.workload;
  const lanes = simulation.normalizers.map(({ spec, collectives }): Lane => {
    const last = collectives.filter(({ trainingStep }) => trainingStep === scenario.trainingSteps - 1);
    let clock = 0;
    const sequences = [...new Set(last.map(({ entries }) => entries[0]!.sequence))];
    const slices = sequences.map((sequence) => {
      const round = last.filter(({ entries }) => entries[0]!.sequence === sequence);
      const durationSeconds = communicationOf(round, simulation).total.modelSeconds;
      const { pass, operation } = round[0]!.shape;
      const slice = {
        kind: `${pass} ${operation}`,
        name: formatSeconds(durationSeconds),
        startSeconds: clock,
        durationSeconds,
      };
      clock += durationSeconds;
      return slice;
    });
    return { name: spec.name, slices };
  });
  const busy = lanes.filter(({ slices }) => slices.length > 0);
  if (busy.length === 0) return undefined;
  const durations = busy.map(({ name, slices }) => ({
    name,
    seconds: slices.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0),
  }));
  const [longest] = durations.toSorted((a, b) => b.seconds - a.seconds);
  const shortest = durations.toSorted((a, b) => a.seconds - b.seconds)[0]!;
  const against = durations.length === 1 ? "" : `, ${shortest.name} for ${formatSeconds(shortest.seconds)}`;
  const silent = lanes.length - busy.length;
  return lanesChart(busy, {
    title: `${longest!.name} is on the wire for ${formatSeconds(longest!.seconds)} of each step${against}.`,
    description: `One lane per normaliser with its collectives in order: ${durations.map(({ name, seconds }) => `${name} ${formatSeconds(seconds)}`).join("; ")}.`,
    caption:
      `Collectives of ${scenario.training === null ? "one layer" : "all normalising layers"} in a training step, forward then backward, by the α-β clock on ${scenario.cluster.name}; groups work at ` +
      `the same time. Wire only: no launches, no kernels.` +
      (silent === 0 ? "" : ` ${silent} of ${lanes.length} normalisers send nothing and have no lane.`),
  });
}
