/** Where and when a rank goes wrong. */
interface FaultPlace {
  readonly rank: number;
  /** Counted from 0. */
  readonly trainingStep: number;
}

/** A rank that fails on purpose, to see what a run does then. */
export interface FailingFault extends FaultPlace {
  /** While making its microbatch, or in the first normaliser's pass. */
  readonly phase: "data" | "forward" | "backward";
  /** Throw an error, end its thread, never return, or allocate until the thread dies. */
  readonly kind: "throw" | "exit" | "stall" | "exhaust-memory";
}

/** A rank that pauses in every pass of a training step, and then goes on. */
export interface SlowFault extends FaultPlace {
  readonly kind: "slow";
  readonly phase: FailingFault["phase"];
  readonly delaySeconds: number;
}

/** A rank that starts later than the others. */
export interface LateStart {
  readonly kind: "late-start";
  readonly rank: number;
  readonly delaySeconds: number;
}

/**
 * A rank that in one phase of the first normaliser that communicates does not call what its peers call: its first two collectives in the
 * wrong order, the first one with one element too few or among all ranks instead of its group, or none of the pass;
 * or whose first message is lost.
 */
export interface DiscordFault extends FaultPlace {
  readonly kind: "wrong-order" | "wrong-size" | "wrong-group" | "early-return" | "dropped-message";
  readonly phase: "forward" | "backward";
}

/** One value of a rank's x that is not finite, to see how far it spreads; the run goes on. */
export interface SpoiledValue extends FaultPlace {
  readonly kind: "nan" | "inf";
  /** Of what the rank holds, counted from 0, as are channel and position. */
  readonly sample: number;
  readonly channel: number;
  readonly position: number;
}

export type InjectedFault = FailingFault | SlowFault | LateStart | DiscordFault | SpoiledValue;

/** Whether a fault makes a rank late, so that the others wait for it and all is well. */
export function isDelay(fault: InjectedFault): fault is SlowFault | LateStart {
  return fault.kind === "slow" || fault.kind === "late-start";
}

/** Whether a fault sets a rank at odds with its peers. */
export function isDiscord(fault: InjectedFault): fault is DiscordFault {
  return /^(wrong|early|dropped)-/.test(fault.kind);
}
