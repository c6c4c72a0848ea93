import { assert } from "../../assert.ts";
import { log } from "../../scenario/elementary-functions.ts";
import { createRandomStream } from "../../scenario/random.ts";

/** What is not ideal about ranks and messages; slow links are part of the network (`slowLink`). */
export interface Conditions {
  /** Per rank: when it enters its first step; absent: all at 0. */
  readonly startSeconds?: ArrayLike<number>;
  /** Per rank: what it spends before each of its steps, such as a slow rank's launches; absent: nothing. */
  readonly stepDelaySeconds?: ArrayLike<number>;
  /** Every message waits this much longer on average: exponential, one draw per message. Absent: never. */
  readonly jitter?: { readonly seed: number; readonly meanSeconds: number };
}

/** The conditions as columns. */
export interface ConditionColumns {
  readonly startSeconds: Float64Array;
  readonly stepDelaySeconds: Float64Array;
  /** Per message; without jitter it is empty. */
  readonly jitterSeconds: Float64Array;
}

/** @throws AssertionError if a column has not one number >= 0 per rank. */
export function conditionColumns(conditions: Conditions, ranks: number, messages: number): ConditionColumns {
  return {
    startSeconds: rankColumn("startSeconds", conditions.startSeconds, ranks),
    stepDelaySeconds: rankColumn("stepDelaySeconds", conditions.stepDelaySeconds, ranks),
    jitterSeconds: jitterColumn(conditions.jitter, messages),
  };
}

function rankColumn(name: string, given: ArrayLike<number> | undefined, ranks: number): Float64Array {
  if (given === undefined) return new Float64Array(ranks);
  assert(given.length === ranks, `${name}: ${given.length} numbers for ${ranks} ranks`);
  const column = Float64Array.from(given);
  const wrong = column.findIndex((seconds) => !(seconds >= 0 && seconds < Number.POSITIVE_INFINITY));
  assert(wrong === -1, `${name}: ${column[wrong]} for rank ${wrong}`);
  return column;
}

function jitterColumn(jitter: Conditions["jitter"], messages: number): Float64Array {
  if (jitter === undefined) return new Float64Array(0);
  const { seed, meanSeconds } = jitter;
  assert(meanSeconds >= 0, `a mean jitter of ${meanSeconds} s`);
  const stream = createRandomStream({ seed, rank: "all", trainingStep: "all", purpose: "message jitter" });
  return new Float64Array(messages).map(() => -meanSeconds * log(1 - stream.uniform()));
}
