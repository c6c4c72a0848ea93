import type { CollectiveRecord, Simulation } from "../engine/simulation.ts";
import { scheduleSeconds } from "./alpha-beta.ts";
import { linkConstants } from "./links.ts";

/** What was sent, summed over the training steps of a run. */
export interface Communication {
  /** Collectives that one rank took part in. */
  readonly collectives: number;
  /** Messages of all ranks. */
  readonly messages: number;
  /** What one rank contributed; where groups differ, the most. */
  readonly payloadBytesPerRank: number;
  /** What one rank sent, the mean over ranks; perRank has each. */
  readonly sentBytesPerRank: number;
  /** What all ranks sent. */
  readonly wireBytes: number;
  /** Predicted on the scenario's cluster by the α-β clock; groups work at the same time. */
  readonly modelSeconds: number;
}

/** Forward, backward and both. */
export interface CommunicationByPass {
  readonly forward: Communication;
  readonly backward: Communication;
  readonly total: Communication;
}

/** Price what a normaliser's ledger recorded on the scenario's cluster. */
export function communicationOf(
  records: readonly CollectiveRecord[],
  { workload }: Simulation,
): CommunicationByPass {
  const of = (pass: "forward" | "backward"): Communication => {
    const own = records.filter(({ shape }) => shape.pass === pass);
    const entries = own.flatMap((record) => record.entries);
    const wireBytes = entries.reduce((sum, entry) => sum + entry.bytesSent, 0);
    const rounds = roundsOf(own);
    return {
      collectives: rounds.length,
      messages: entries.reduce((sum, entry) => sum + entry.messagesSent, 0),
      payloadBytesPerRank: rounds.reduce((sum, round) => sum + Math.max(...round.map(payloadBytes)), 0),
      sentBytesPerRank: wireBytes / workload.worldSize,
      wireBytes,
      modelSeconds: rounds.reduce((sum, round) => sum + roundSeconds(round), 0),
    };
  };
  const { gpusPerNode } = workload.scenario.cluster;
  const links = linkConstants(workload.scenario.cluster);
  const roundSeconds = (round: readonly CollectiveRecord[]): number =>
    Math.max(
      ...round.map(({ schedule, elementBytes, group }) => {
        const nodeOfRank = (index: number): number => Math.floor(group.ranks[index]! / gpusPerNode);
        return scheduleSeconds(schedule, elementBytes, nodeOfRank, links);
      }),
    );
  const [forward, backward] = [of("forward"), of("backward")];
  return { forward, backward, total: add(forward, backward) };
}

function payloadBytes({ shape, elementBytes }: CollectiveRecord): number {
  return (shape.values / shape.valuesPerElement) * elementBytes;
}

/** Collectives that all groups do at the same time. */
function roundsOf(records: readonly CollectiveRecord[]): CollectiveRecord[][] {
  const rounds = new Map<number, CollectiveRecord[]>();
  for (const record of records) {
    const { sequence } = record.entries[0]!;
    rounds.set(sequence, [...(rounds.get(sequence) ?? []), record]);
  }
  return [...rounds.values()];
}

function add(a: Communication, b: Communication): Communication {
  return {
    collectives: a.collectives + b.collectives,
    messages: a.messages + b.messages,
    payloadBytesPerRank: a.payloadBytesPerRank + b.payloadBytesPerRank,
    sentBytesPerRank: a.sentBytesPerRank + b.sentBytesPerRank,
    wireBytes: a.wireBytes + b.wireBytes,
    modelSeconds: a.modelSeconds + b.modelSeconds,
  };
}
