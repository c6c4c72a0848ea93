import { readdirSync } from "node:fs";
import { drawsOf, drawTrial, type Trial } from "./draw.ts";
import type { Ending } from "./judge.ts";

/** What a campaign has seen. */
export interface Tally {
  readonly runs: number;
  readonly onThreads: number;
  readonly endings: Readonly<Record<Ending, number>>;
  /** Runs by the kinds of their faults. */
  readonly byFaults: Readonly<Record<string, number>>;
  readonly slowestSeconds: number;
  /** Of that run. */
  readonly slowestSeed: number;
  /** Threads of this process that were there at the end and not at the beginning. */
  readonly threadsLeft: number;
}

/** No trial takes that long but one that hangs: its deadline is a minute at most. */
const hangSeconds = 120;

/**
 * Trials of the seeds `seed`, `seed + 1`, ...: each can be repeated alone.
 *
 * @throws Error that names the seed of the first trial that ended otherwise than it should, hung or left a thread.
 */
export async function campaign(
  runs: number,
  seed: number,
  judge: (trial: Trial) => Promise<Ending>,
  onProgress: (done: number) => void,
): Promise<Tally> {
  const endings = { "right answer": 0, "right culprit": 0 };
  const byFaults: Record<string, number> = {};
  let [onThreads, slowestSeconds, slowestSeed] = [0, 0, seed];
  // Node starts some threads of its own with the first worker.
  await judge({ fields: { ...(await drawTrial(drawsOf(seed))).fields, faults: [] }, threads: 2 });
  const atFirst = threadCount();
  for (let run = 0; run < runs; run++) {
    const trial = await drawTrial(drawsOf(seed + run));
    const begun = performance.now();
    try {
      endings[await withinLimit(judge(trial))]++;
      if (threadCount() > atFirst) throw new Error(`${threadCount() - atFirst} threads were left`);
    } catch (error) {
      throw new Error(`seed ${seed + run}: ${describe(trial)}`, { cause: error });
    }
    const seconds = (performance.now() - begun) / 1000;
    if (seconds > slowestSeconds) [slowestSeconds, slowestSeed] = [seconds, seed + run];
    if (trial.threads > 0) onThreads++;
    const kinds = (trial.fields.faults as { kind: string }[]).map(({ kind }) => kind);
    for (const kind of kinds.length === 0 ? ["none"] : new Set(kinds))
      byFaults[kind] = (byFaults[kind] ?? 0) + 1;
    onProgress(run + 1);
  }
  const threadsLeft = threadCount() - atFirst;
  return { runs, onThreads, endings, byFaults, slowestSeconds, slowestSeed, threadsLeft };
}

const describe = ({ fields, threads }: Trial): string => `threads ${threads}, ${JSON.stringify(fields)}`;

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it hung for ${hangSeconds} s`)), hangSeconds * 1000);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Threads of this process, as Linux counts them. */
function threadCount(): number {
  return readdirSync("/proc/self/task").length;
}
