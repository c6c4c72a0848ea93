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

/** The world failed: a rank threw, exited, ran out of memory or stalled. The command line exits with 1. */
export class RankError extends Error {
  override readonly name = "RankError";
  readonly rank: number;
  /** Where the rank was: training step, normaliser and phase, in words. */
  readonly step: string;

  constructor(rank: number, step: string, what: string, options?: ErrorOptions) {
    super(`rank ${rank}: ${what} (at ${step})`, options);
    this.rank = rank;
    this.step = step;
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
