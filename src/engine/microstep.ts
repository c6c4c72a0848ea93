import type { Scenario } from "../scenario/scenario.ts";

/** One microbatch of a run: the microbatches of every training step, then those of the evaluation. */
export interface Microstep {
  /** Counted over the run: which random streams it is drawn from. */
  readonly index: number;
  /** Where the run is; in an evaluation it stays at the last training step. */
  readonly trainingStep: number;
  /** Of a training step: false in an evaluation. */
  readonly isFirstOfStep: boolean;
  /** Likewise. */
  readonly isLastOfStep: boolean;
  /** Whether precise statistics are estimated from it. */
  readonly isPrecise: boolean;
}

type Plan = Pick<Scenario, "trainingSteps" | "accumulation" | "evaluation">;

/** Microbatches that each rank makes, in this order. */
export interface MicrobatchCounts {
  readonly training: number;
  /** For precise statistics. */
  readonly precise: number;
  readonly heldOut: number;
}

export function microbatchCounts({ trainingSteps, accumulation, evaluation }: Plan): MicrobatchCounts {
  return {
    training: trainingSteps * accumulation,
    precise: evaluation?.preciseBatches ?? 0,
    heldOut: evaluation?.batches ?? 0,
  };
}

/** The microbatch of an index. */
export function microstepOf(index: number, scenario: Plan): Microstep {
  const { trainingSteps, accumulation } = scenario;
  const { training, precise } = microbatchCounts(scenario);
  return {
    index,
    trainingStep: Math.min(Math.floor(index / accumulation), trainingSteps - 1),
    isFirstOfStep: index < training && index % accumulation === 0,
    isLastOfStep: index < training && (index + 1) % accumulation === 0,
    isPrecise: index >= training && index < training + precise,
  };
}
