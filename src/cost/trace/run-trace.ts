import { Catalogue } from "../../engine/catalogue.ts";
import type { Simulation } from "../../engine/simulation.ts";
import { bytesPerElement } from "../../scenario/microbatch.ts";
import type { ChromeTrace } from "./chrome-trace.ts";
import { traceOfCollectives } from "./schedule-trace.ts";

/** The collectives that a run did, in its order, replayed message by message on the scenario's cluster. */
export function traceOfSimulation({ workload, normalizers }: Simulation): ChromeTrace {
  const { scenario, storage } = workload;
  const catalogue = new Catalogue(scenario);
  const byStep = normalizers
    .flatMap(({ spec, collectives }) => collectives.map((record) => ({ name: spec.name, ...record })))
    .sort((a, b) => a.entries[0]!.sequence - b.entries[0]!.sequence);
  const collectives = byStep.map(({ name, trainingStep, shape, group }) => ({
    name: `${name}, ${shape.pass} ${shape.operation}, training step ${trainingStep}`,
    schedule: catalogue.plan(shape, group.ranks.length).schedule,
    elementBytes: shape.valuesPerElement * bytesPerElement(storage),
    ranks: group.ranks,
  }));
  return traceOfCollectives(collectives, scenario.cluster);
}
