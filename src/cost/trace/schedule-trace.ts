import { assert } from "../../assert.ts";
import type { Schedule } from "../../collectives/schedule.ts";
import type { Cluster } from "../cluster.ts";
import { clusterNetwork } from "../network/cluster-network.ts";
import { simulateSchedule } from "../network/simulation.ts";
import type { MessageTimes } from "../network/traffic.ts";
import { type ChromeTrace, chromeTrace } from "./chrome-trace.ts";
import type { TimelineEvent, TimelineFlow } from "./timeline.ts";

/** A collective that a group of ranks did. */
export interface TracedCollective {
  /** What a person reads: which normaliser, which pass. */
  readonly name: string;
  readonly schedule: Schedule;
  readonly elementBytes: number;
  /** The group's ranks in the world; rank i of the schedule is ranks[i]. */
  readonly ranks: readonly number[];
}

/** Messages that one trace draws, about 400 bytes of JSON each: more than viewers take easily. */
const drawnMessages = 100_000;

/**
 * The messages of collectives on a cluster as a Chrome trace. Each rank does the collectives that it is a
 * member of in the given order, from time 0 on and without a pause; arrows are messages.
 *
 * Not modelled: launches, kernels, whatever runs between collectives, and links that groups share.
 * Beyond 100,000 messages, later collectives are slices without steps and arrows; the trace says so.
 */
export function traceOfCollectives(collectives: readonly TracedCollective[], cluster: Cluster): ChromeTrace {
  const events: TimelineEvent[] = [];
  const finishSeconds = new Map<number, number>();
  let left = drawnMessages;
  let undrawn = 0;
  for (const collective of collectives) {
    const { schedule, elementBytes, ranks } = collective;
    assert(
      ranks.length === schedule.ranks,
      `${collective.name}: ${ranks.length} ranks for ${schedule.ranks}`,
    );
    const startSeconds = Float64Array.from(ranks, (rank) => finishSeconds.get(rank) ?? 0);
    const isDrawn = schedule.source.length <= left;
    const result = simulateSchedule(schedule, clusterNetwork(cluster, ranks), {
      elementBytes,
      startSeconds,
      recordsMessages: isDrawn,
    });
    for (const [index, rank] of ranks.entries()) finishSeconds.set(rank, result.finishSeconds[index]!);
    events.push(...wholeCollective(collective, startSeconds, result.finishSeconds));
    if (isDrawn) {
      left -= schedule.source.length;
      for (const event of stepsOf(collective, startSeconds, result.messages!)) events.push(event);
    } else {
      undrawn++;
    }
  }
  return chromeTrace(events, {
    source: `normsim: messages simulated on ${cluster.name}, links shared max-min fairly`,
    notModelled: "launches, kernels, what runs between collectives, links that groups share",
    ...(undrawn > 0 && { undrawn: `steps of ${undrawn} of ${collectives.length} collectives` }),
  });
}

/** One slice per rank, around its steps. */
function wholeCollective(
  { name, schedule, elementBytes, ranks }: TracedCollective,
  startSeconds: Float64Array,
  finishSeconds: Float64Array,
): TimelineEvent[] {
  return ranks.map((rank, index) => ({
    rank,
    track: "communication",
    name,
    startSeconds: startSeconds[index]!,
    durationSeconds: finishSeconds[index]! - startSeconds[index]!,
    details: {
      operation: schedule.operation,
      algorithm: schedule.algorithm,
      vectorBytes: schedule.elements * elementBytes,
    },
  }));
}

/** One slice per rank and step that it has messages in, from the end of its last step; arrows for what it sends. */
function stepsOf(
  { schedule, elementBytes, ranks }: TracedCollective,
  startSeconds: Float64Array,
  messages: MessageTimes,
): TimelineEvent[] {
  const { stepCount, stepStart, source, target, length } = schedule;
  const events: TimelineEvent[] = [];
  const entered = startSeconds.slice();
  for (let step = 0; step < stepCount; step++) {
    const open = new Map<number, { finishSeconds: number; sentBytes: number; flowsTo: TimelineFlow[] }>();
    const take = (rank: number) => {
      const known = open.get(rank) ?? { finishSeconds: 0, sentBytes: 0, flowsTo: [] };
      open.set(rank, known);
      return known;
    };
    for (let i = stepStart[step]!; i < stepStart[step + 1]!; i++) {
      const arrivalSeconds = messages.finishSeconds[i]!;
      const sender = take(source[i]!);
      const receiver = take(target[i]!);
      sender.finishSeconds = Math.max(sender.finishSeconds, arrivalSeconds);
      receiver.finishSeconds = Math.max(receiver.finishSeconds, arrivalSeconds);
      sender.sentBytes += length[i]! * elementBytes;
      sender.flowsTo.push({
        rank: ranks[target[i]!]!,
        track: "communication",
        departureSeconds: messages.startSeconds[i]!,
        arrivalSeconds,
      });
    }
    for (const [index, { finishSeconds, sentBytes, flowsTo }] of open) {
      events.push({
        rank: ranks[index]!,
        track: "communication",
        name: `step ${step + 1} of ${stepCount}`,
        startSeconds: entered[index]!,
        durationSeconds: finishSeconds - entered[index]!,
        flowsTo,
        details: { sentBytes },
      });
      entered[index] = finishSeconds;
    }
  }
  return events;
}
