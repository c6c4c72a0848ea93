/**
 * Directed links, and the way that a message between two ranks takes over them.
 *
 * A cable that carries both directions at full speed is two links. Everything that messages can queue
 * at is a link: a GPU's port, a network card, a cable between switches. Switches themselves never block.
 */
export interface Network {
  readonly ranks: number;
  readonly linkCount: number;
  /** Per link: what a message waits for it. */
  readonly latencySeconds: Float64Array;
  /** Per link: what all messages on it share. */
  readonly bandwidthBytesPerSecond: Float64Array;
  /** Links that the longest way has; `route` may write as many. */
  readonly longestRoute: number;
  /** Write the links from source to target, in order, into `links`; returns how many. Source and target differ. */
  route(source: number, target: number, links: Uint32Array): number;
  /** What a link is, for people and for `slowLink`. No two links have one name. */
  linkName(link: number): string;
}

/** A stretch of equal links. */
export interface LinkClass {
  readonly latencySeconds: number;
  readonly bandwidthBytesPerSecond: number;
}

/** The two columns of a network, from runs of equal links: `[class, count]` after `[class, count]`. */
export function linkColumns(
  runs: readonly (readonly [LinkClass, number])[],
): Pick<Network, "linkCount" | "latencySeconds" | "bandwidthBytesPerSecond"> {
  const linkCount = runs.reduce((sum, [, count]) => sum + count, 0);
  const latencySeconds = new Float64Array(linkCount);
  const bandwidthBytesPerSecond = new Float64Array(linkCount);
  let first = 0;
  for (const [link, count] of runs) {
    latencySeconds.fill(link.latencySeconds, first, first + count);
    bandwidthBytesPerSecond.fill(link.bandwidthBytesPerSecond, first, first + count);
    first += count;
  }
  return { linkCount, latencySeconds, bandwidthBytesPerSecond };
}
