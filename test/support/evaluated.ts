import type { CompletedPass } from "../../src/engine/coordinator.ts";
import type { NormalizerRecord } from "../../src/engine/simulation.ts";
import { isFileSource } from "../../src/scenario/data-source.ts";
import { coordinatesOf } from "../../src/scenario/mesh.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";
import { driftedSource, fillMicrobatch } from "../../src/scenario/synthetic.ts";
import { measure } from "../../src/simulate.ts";
import { scenarioFrom } from "./scenario.ts";

/** Everything measured of a scenario, by normaliser. */
export async function measured(
  fields: Record<string, unknown>,
  onPass?: (pass: CompletedPass) => void,
): Promise<Record<string, NormalizerRecord>> {
  const simulation = await measure(scenarioFrom(fields), onPass === undefined ? {} : { onPass });
  return Object.fromEntries(simulation.normalizers.map((record) => [record.spec.name, record]));
}

/** The values of one channel of one rank's microbatch, drawn again; without tensor or sequence ranks. */
export function channelValues(
  { data, seed, mesh, trainingSteps, accumulation, storage }: Scenario,
  rank: number,
  microbatch: number,
  channel: number,
): number[] {
  if (isFileSource(data) || data.source === "sequences") throw new Error("not drawn here");
  const positions = data.positions.reduce((product, extent) => product * extent, 1);
  const samples = data.samples[rank]!;
  const elements = samples * data.channels * positions;
  const room = () => (storage === "float64" ? new Float64Array(elements) : new Float32Array(elements));
  const batch = { samples, channels: data.channels, positions, x: room(), dy: room(), mask: null };
  const trainingStep = Math.min(Math.floor(microbatch / accumulation), trainingSteps - 1);
  fillMicrobatch(driftedSource(data, trainingStep), seed, coordinatesOf(mesh, rank).data, microbatch, batch);
  return Array.from(batch.x).filter((_, i) => Math.floor(i / positions) % data.channels === channel);
}
