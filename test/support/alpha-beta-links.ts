import { expect } from "vitest";
import type { LinkConstants } from "../../src/cost/links.ts";

/** Links of an A100 node, latency and bandwidth as its preset has them. */
export const links: LinkConstants = {
  intra: { latencySeconds: 0.6e-6, bandwidthBytesPerSecond: 300e9 },
  inter: { latencySeconds: 5e-6, bandwidthBytesPerSecond: 25e9 },
};
export const elementBytes = 4;

/** Seconds to start a message inside a node. */
export const alpha = links.intra.latencySeconds;
/** Seconds per element inside a node. */
export const beta = elementBytes / links.intra.bandwidthBytesPerSecond;
/** Seconds to start a message between nodes. */
export const alphaInter = links.inter.latencySeconds;
/** Seconds per element between nodes. */
export const betaInter = elementBytes / links.inter.bandwidthBytesPerSecond;

/** At most 1,000 additions of positive terms, each within 2^-53: 1.1e-13 relative; and as much for the formula. */
const relativeTolerance = 1e-12;

/** Fails, and says by how much, unless two times agree but for rounding. */
export function expectSeconds(got: number, want: number, where: string): void {
  expect(Math.abs(got - want), `${where}: got ${got}, want ${want}`).toBeLessThanOrEqual(
    relativeTolerance * want,
  );
}
