/** One fault in what the user gave: where it is, what is wrong, what would do. */
export interface Fault {
  /** File name as the user wrote it, `<stdin>` for standard input. */
  readonly file: string;
  /** Counted from 1; absent where the fault is in a file that has no lines (an .npy array). */
  readonly line?: number;
  /** Counted from 1. */
  readonly column?: number;
  /** Dotted path inside the file, such as `mesh.data` or `normalizers[1].group`; empty for the whole file. */
  readonly path: string;
  /** What was got and what would be accepted, in one sentence. */
  readonly message: string;
}

/** Bad input: every fault that was found, in file order. The command line exits with 2. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[], options?: ErrorOptions) {
    super(faults.map(formatFault).join("\n"), options);
    this.faults = faults;
  }
}

/** What a rank was doing when a run failed: a row of a flight recorder. */
export interface RankState {
  readonly rank: number;
  /** Training step, normaliser and phase, in words. */
  readonly step: string;
  /** Its last call of a collective, as it made it known before anything moved; `leave`: it has ended the pass. null: none yet. */
  readonly call: {
    readonly operation: string;
    /** Of one rank's payload. */
    readonly values: number;
    readonly format: string;
    /** The ranks that it called it among. */
    readonly group: readonly number[];
  } | null;
  /** Number of the call: calls of one number belong together. */
  readonly sequence: number | null;
  /** The last step of the collective's schedule in which it sent, counted from 1; null: none yet. */
  readonly scheduleStep: number | null;
  readonly awaitedRank: number | null;
}

/** What is known of a failure beyond its message. */
export interface FailureRecord {
  /** The ranks that are to blame, ascending; more than one where they contradict each other and no third can tell. */
  readonly suspects: readonly number[];
  /** Every rank, in order; empty if none had begun to communicate. */
  readonly states: readonly RankState[];
  /** Public reports of failures that look like this one. */
  readonly seenIn: readonly string[];
}

/** The world failed: a rank threw, exited, ran out of memory, stalled or called what its peers did not. The command line exits with 1. */
export class RankError extends Error {
  override readonly name = "RankError";
  readonly rank: number;
  /** Where the rank was: training step, normaliser and phase, in words. */
  readonly step: string;
  /** What it did, in words. */
  readonly what: string;
  readonly record: FailureRecord;

  constructor(
    rank: number,
    step: string,
    what: string,
    { record, ...options }: ErrorOptions & { readonly record?: FailureRecord } = {},
  ) {
    super(`rank ${rank}: ${what} (at ${step})`, options);
    this.rank = rank;
    this.step = step;
    this.what = what;
    this.record = record ?? { suspects: [rank], states: [], seenIn: [] };
  }
}

/**
 * The queue of a sweep failed: Redis, or what comes back from it. The command line exits with 1.
 *
 * It carries no cause: errors of a Redis client hold the commands they belong to, and so the password.
 */
export class QueueError extends Error {
  override readonly name = "QueueError";
}

/** Whether an error is one that normsim raises on purpose, optionally of the given names. */
export function isSimulatorError(
  error: unknown,
  ...names: ("ScenarioError" | "RankError" | "QueueError")[]
): error is ScenarioError | RankError | QueueError {
  const known = error instanceof ScenarioError || error instanceof RankError || error instanceof QueueError;
  return known && (names.length === 0 || names.includes(error.name));
}

/**
 * `file:line:column: path: message`, leaving out what does not apply. Control characters of what was got become `?`:
 * JSON.stringify leaves those from U+007F to U+009F, which terminals obey.
 */
export function formatFault(fault: Fault): string {
  const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(":");
  const parts = [place, fault.path, fault.message].filter((part) => part !== "");
  return parts.join(": ").replaceAll(/\p{Cc}/gu, "?");
}
