import type { Jitter } from "../timeline/streams.ts";
import type { CostScales } from "../timeline/sync-pass.ts";
import type { Bound } from "./collective-times.ts";

/**
 * How fast ranks drift apart. Nothing public measures it apart from everything else: these are round numbers,
 * 0.1 ms after 2 ms of kernels and 0.2 ms after 2 ms of host work, and the band halves and doubles the drift.
 */
const jitter: Jitter = { hostSeconds: 20e-6, deviceSeconds: 5e-6 };

/** Factors at one end of the band. */
interface Factors {
  /** On native SyncBN kernels: how far their table is off its two-parameter form. */
  readonly kernels: number;
  /** On host costs: published ones differ by about twice. */
  readonly launch: number;
  /** The square of the factor on the drift. */
  readonly jitter: number;
}

const factors: Readonly<Record<Bound, Factors>> = {
  nominal: { kernels: 1, launch: 1, jitter: 1 },
  low: { kernels: 0.75, launch: 1 / 2, jitter: 1 / 4 },
  high: { kernels: 1.3, launch: 2, jitter: 4 },
};

/** Jitter between ranks at one end of the band. */
export function jitterAt(bound: Bound): Jitter {
  const { jitter: factor } = factors[bound];
  return { hostSeconds: factor * jitter.hostSeconds, deviceSeconds: factor * jitter.deviceSeconds };
}

/** All causes of cost, at one end of the band. */
export function scalesAt(bound: Bound): CostScales {
  const { kernels, launch } = factors[bound];
  return { kernels, wire: 1, launch, hostSync: true, skew: true };
}
