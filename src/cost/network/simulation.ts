import { assert } from "../../assert.ts";
import type { Schedule } from "../../collectives/schedule.ts";
import { type Conditions, conditionColumns } from "./conditions.ts";
import { finishContended } from "./contended.ts";
import { contestedLinks, linkUse } from "./link-use.ts";
import type { Network } from "./network.ts";
import { pathsOf } from "./paths.ts";
import type { MessageTimes, Traffic } from "./traffic.ts";
import { finishUncontended } from "./uncontended.ts";

/** What a simulation has to know besides the schedule and the network. */
export interface SimulationOptions extends Conditions {
  readonly elementBytes: number;
  /** Also say when each message started and finished. */
  readonly recordsMessages?: boolean;
}

/** When a schedule was done, message by message. */
export interface NetworkResult {
  /** When the last rank was done, with the time that ranks started later than 0. */
  readonly seconds: number;
  /** Per rank. */
  readonly finishSeconds: Float64Array;
  /** Per link: bytes of all messages over it. */
  readonly linkBytes: Float64Array;
  /** Whether any two messages could have met on a link; if not, nothing was shared. */
  readonly isContended: boolean;
  readonly messages?: MessageTimes;
}

/**
 * Run a schedule over the links of a network.
 *
 * - A rank enters its next step when all it sends and receives in this one is done.
 * - A message starts when both its ranks have entered its step. It waits for the latency of its path,
 *   then moves at the rate that max-min fair sharing leaves it on the links of the path.
 * - Waiting messages take no bandwidth, and a message is on all links of its path at once (fluid).
 *
 * Many messages that meet over many steps can be chaotic, such as a ring scattered over an oversubscribed
 * tree whose ranks start apart: the end moves by percents where a start moves by a rounding error.
 *
 * Not modelled: packets, buffers and what happens when they are full, congestion control, the time of the
 * additions.
 *
 * @throws AssertionError if the network has fewer ranks than the schedule or a condition is not one number
 * per rank.
 */
export function simulateSchedule(
  schedule: Schedule,
  network: Network,
  options: SimulationOptions,
): NetworkResult {
  const { ranks, source } = schedule;
  assert(network.ranks >= ranks, `a schedule of ${ranks} ranks on a network of ${network.ranks}`);
  const { elementBytes } = options;
  const paths = pathsOf(schedule, network);
  const { bytes, isShared } = linkUse(schedule, elementBytes, paths, network.linkCount);
  const contested = contestedLinks(paths, isShared, network.bandwidthBytesPerSecond);
  const messages = options.recordsMessages === true ? emptyTimes(source.length) : undefined;
  const traffic: Traffic = {
    schedule,
    elementBytes,
    paths,
    ...conditionColumns(options, ranks, source.length),
    ...(messages && { times: messages }),
  };
  const isContended = contested.links.length > 0;
  const finishSeconds = isContended
    ? finishContended(traffic, contested, network.bandwidthBytesPerSecond)
    : finishUncontended(traffic);
  return {
    seconds: finishSeconds.reduce((latest, seconds) => Math.max(latest, seconds), 0),
    finishSeconds,
    linkBytes: bytes,
    isContended,
    ...(messages && { messages }),
  };
}

function emptyTimes(messages: number): MessageTimes {
  return { startSeconds: new Float64Array(messages), finishSeconds: new Float64Array(messages) };
}
