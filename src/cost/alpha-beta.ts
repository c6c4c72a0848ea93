import type { Schedule } from "../collectives/schedule.ts";
import type { LinkConstants } from "./links.ts";

/**
 * Seconds until the last rank has done its part of a schedule, on the plain α-β (Hockney) clock.
 *
 * Every rank has a clock and, for each kind of link, a sending and a receiving port (full duplex).
 * - A message starts when both its ranks have entered the step: sends and receives block.
 * - It holds the sender's port for bytes / bandwidth and, latency later, the receiver's for as long.
 *   Messages of a step that share a port queue in message order, so incast costs bandwidth, not latency.
 * - A rank enters its next step when everything it sent or was sent in this one has arrived.
 *
 * Not modelled: the time of the additions (γ), contention between ranks that share a cable, and what
 * NCCL's protocols add. A rank without messages costs nothing.
 */
export function scheduleSeconds(
  schedule: Schedule,
  elementBytes: number,
  nodeOfRank: (rank: number) => number,
  links: LinkConstants,
): number {
  const { ranks, stepCount, stepStart, source, target, length } = schedule;
  const node = Array.from({ length: ranks }, (_, rank) => nodeOfRank(rank));
  const clock = new Float64Array(ranks);
  const clockNext = new Float64Array(ranks);
  const ports = { intra: idlePorts(ranks), inter: idlePorts(ranks) };
  for (let step = 0; step < stepCount; step++) {
    const end = stepStart[step + 1]!;
    for (let i = stepStart[step]!; i < end; i++) {
      const from = source[i]!;
      const to = target[i]!;
      const kind = node[from] === node[to] ? "intra" : "inter";
      const { latencySeconds, bandwidthBytesPerSecond } = links[kind];
      const { sendFree, receiveFree } = ports[kind];
      const entered = Math.max(clock[from]!, clock[to]!);
      const start = Math.max(entered, sendFree[from]!, receiveFree[to]! - latencySeconds);
      sendFree[from] = start + (length[i]! * elementBytes) / bandwidthBytesPerSecond;
      const arrival = sendFree[from] + latencySeconds;
      receiveFree[to] = arrival;
      clockNext[from] = Math.max(clockNext[from]!, arrival);
      clockNext[to] = Math.max(clockNext[to]!, arrival);
    }
    for (let i = stepStart[step]!; i < end; i++) {
      clock[source[i]!] = clockNext[source[i]!]!;
      clock[target[i]!] = clockNext[target[i]!]!;
    }
  }
  return clock.reduce((latest, seconds) => Math.max(latest, seconds), 0);
}

/** When each rank's sending and receiving port is free again, seconds. */
function idlePorts(ranks: number): { readonly sendFree: Float64Array; readonly receiveFree: Float64Array } {
  return { sendFree: new Float64Array(ranks), receiveFree: new Float64Array(ranks) };
}
