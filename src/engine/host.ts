import type { ForwardMode } from "../training/layer.ts";
import type { Control } from "./control.ts";
import type { ExchangeResult, PassResult } from "./pass-result.ts";
import type { ThreadSetup } from "./rank-thread.ts";
import type { TrainingResult } from "./training-rank.ts";

/** A thread of ranks as the coordinator sees it, wherever it runs. */
export interface RemoteThread {
  prepare(microbatch: number): Promise<void>;
  pass(normalizer: number, microbatch: number): Promise<PassResult[]>;
  exchange(normalizer: number, microbatch: number): Promise<ExchangeResult[]>;
  train(normalizer: number, firstStep: number, stepCount: number): Promise<TrainingResult[]>;
  evaluate(trainingStep: number, batchCount: number, mode: ForwardMode): Promise<TrainingResult[]>;
}

/**
 * Where ranks run. In-process, worker threads and Web Workers differ here and nowhere else.
 *
 * A call on a thread always settles: it rejects with a RankError when one of its ranks throws, when
 * the thread dies or when a rank makes no progress for the deadline, and with a ReleasedError when it
 * was stopped because of another rank.
 */
export interface Host {
  /**
   * Ranks live in blocks on other machines: one thread stands for all of them, the coordinator's memory holds
   * their results alone, and files are read where the ranks are.
   */
  readonly isSpread?: true;
  /** The most threads that can usefully run at once. */
  readonly threadsMaximum: number;
  start(setups: readonly ThreadSetup[], control: Control, deadlineSeconds: number): Promise<RemoteThread[]>;
  /** Seconds on a clock that only goes forward; for wallSeconds alone. */
  now(): number;
  /** Stop all threads and let go of every handle. Called once, also after a failure. */
  close(): Promise<void>;
}
