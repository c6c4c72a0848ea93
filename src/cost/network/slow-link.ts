import { assert } from "../../assert.ts";
import type { Network } from "./network.ts";

/** What is wrong with a link: what remains of its bandwidth, and what a message waits on top. */
export interface Slowdown {
  /** > 0; 0.5 is half the bandwidth. */
  readonly bandwidthFactor: number;
  readonly extraLatencySeconds: number;
}

/**
 * The same network with one link slowed down.
 *
 * @param name As `linkName` spells it.
 * @throws AssertionError if no link has the name, or nothing of its bandwidth is left.
 */
export function slowLink(network: Network, name: string, slowdown: Slowdown): Network {
  const { bandwidthFactor, extraLatencySeconds } = slowdown;
  assert(bandwidthFactor > 0, `${name}: bandwidth times ${bandwidthFactor}`);
  let link = 0;
  while (link < network.linkCount && network.linkName(link) !== name) link++;
  assert(link < network.linkCount, `no link is called ${name}; the first is ${network.linkName(0)}`);
  const latencySeconds = network.latencySeconds.slice();
  const bandwidthBytesPerSecond = network.bandwidthBytesPerSecond.slice();
  latencySeconds[link]! += extraLatencySeconds;
  bandwidthBytesPerSecond[link]! *= bandwidthFactor;
  return { ...network, latencySeconds, bandwidthBytesPerSecond };
}
