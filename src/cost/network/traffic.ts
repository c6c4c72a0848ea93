import type { Schedule } from "../../collectives/schedule.ts";
import type { ConditionColumns } from "./conditions.ts";
import type { Paths } from "./paths.ts";

/** When each message started and finished, in message order. */
export interface MessageTimes {
  /** Both its ranks had entered the step. */
  readonly startSeconds: Float64Array;
  /** The target had all of it, and the source was free of it. */
  readonly finishSeconds: Float64Array;
}

/** What is to be simulated: a schedule, the paths of its messages and the conditions. */
export interface Traffic extends ConditionColumns {
  readonly schedule: Schedule;
  readonly elementBytes: number;
  readonly paths: Paths;
  /** Filled in where somebody wants to know. */
  readonly times?: MessageTimes;
}
