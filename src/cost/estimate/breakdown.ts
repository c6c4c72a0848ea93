import type { StepModel } from "./step-model.ts";

/** What one cause adds to a step, and what it spends beside other work. */
export interface CausedCost {
  readonly exposedSeconds: number;
  /** Spent while the step waited for something else. */
  readonly hiddenSeconds: number;
}

/**
 * Where the overhead of SyncBN over local BatchNorm goes. The exposed parts add up to it: causes are switched on one
 * after the other, in the order of these fields, so what two of them cause together counts for the later.
 */
export interface Breakdown {
  /** Separate and slower kernels instead of a fused one, copies and merging. */
  readonly kernels: CausedCost;
  /** The collectives themselves, queueing behind gradients included. */
  readonly wire: CausedCost;
  /** The host's time to launch what local BatchNorm does not, negotiation included. */
  readonly launch: CausedCost;
  /** The queue of launches runs dry because the host waits for the device. */
  readonly hostSync: CausedCost;
  /**
   * Waiting for the slowest rank at every layer. Can be a little below 0: ranks that are in step at every layer
   * have less to wait for at the end.
   */
  readonly skew: CausedCost;
}

/** Attribute the difference between a step with groups of that many ranks and a local one. */
export function breakdownOf(model: StepModel, groupRanks: number): Breakdown {
  const local = model.step(1);
  if (groupRanks === 1)
    return { kernels: nothing, wire: nothing, launch: nothing, hostSync: nothing, skew: nothing };
  const off = { kernels: 1, wire: 0, launch: 0, hostSync: false, skew: false };
  const kernels = model.stepWith(groupRanks, off);
  const wire = model.stepWith(groupRanks, { ...off, wire: 1 });
  const launch = model.stepWith(groupRanks, { ...off, wire: 1, launch: 1 });
  const hostSync = model.stepWith(groupRanks, { ...off, wire: 1, launch: 1, hostSync: true });
  const full = model.step(groupRanks);
  const cost = (exposedSeconds: number, spentSeconds: number): CausedCost => ({
    exposedSeconds,
    // Two sums of the same numbers in different order differ by rounding.
    hiddenSeconds: spentSeconds - exposedSeconds > 1e-9 * spentSeconds ? spentSeconds - exposedSeconds : 0,
  });
  const { spent } = full;
  const hostSyncExposed = hostSync.seconds - launch.seconds;
  return {
    kernels: cost(kernels.seconds - local.seconds, spent.deviceSeconds - local.spent.deviceSeconds),
    wire: cost(wire.seconds - kernels.seconds, spent.barrierSeconds),
    launch: cost(launch.seconds - wire.seconds, spent.hostSeconds - local.spent.hostSeconds),
    hostSync: cost(hostSyncExposed, hostSyncExposed),
    skew: cost(full.seconds - hostSync.seconds, spent.skewSeconds),
  };
}

const nothing: CausedCost = { exposedSeconds: 0, hiddenSeconds: 0 };
