/** A rank that fails on purpose, to see what a run does then. */
export interface FailingFault {
  readonly rank: number;
  /** Counted from 0. */
  readonly trainingStep: number;
  /** While making its microbatch, or in the first normaliser's pass. */
  readonly phase: "data" | "forward" | "backward";
  /** Throw an error, end its thread, never return, or allocate until the thread dies. */
  readonly kind: "throw" | "exit" | "stall" | "exhaust-memory";
}

/** One value of a rank's x that is not finite, to see how far it spreads; the run goes on. */
export interface SpoiledValue {
  readonly rank: number;
  /** Counted from 0. */
  readonly trainingStep: number;
  readonly kind: "nan" | "inf";
  /** Of what the rank holds, counted from 0, as are channel and position. */
  readonly sample: number;
  readonly channel: number;
  readonly position: number;
}

export type InjectedFault = FailingFault | SpoiledValue;
