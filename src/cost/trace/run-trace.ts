import type { Simulation } from "../../engine/simulation.ts";
import type { ChromeTrace } from "./chrome-trace.ts";
import { traceOfCollectives } from "./schedule-trace.ts";

/** The collectives that a run did (of training: in its first step), in its order, replayed message by message on the scenario's cluster. */
export function traceOfSimulation({ workload, normalizers }: Simulation): ChromeTrace {
  const byStep = normalizers
    .flatMap(({ spec, collectives, training }) => {
      const all = [...collectives, ...(training?.gradientCollectives ?? [])];
      return all.map((record) => ({ name: spec.name, ...record }));
    })
    .sort((a, b) => a.entries[0]!.sequence - b.entries[0]!.sequence);
  const collectives = byStep.map(({ name, trainingStep, shape, schedule, elementBytes, group }) => ({
    name: `${name}, ${shape.pass} ${shape.operation}, training step ${trainingStep}`,
    schedule,
    elementBytes,
    ranks: group.ranks,
  }));
  return traceOfCollectives(collectives, workload.scenario.cluster);
}
