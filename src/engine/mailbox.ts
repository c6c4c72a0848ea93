import type { Combine, Progress } from "../collectives/communicator.ts";
import { type ContributionCounts, contributionCounts } from "../collectives/contribution-counts.ts";
import type { LedgerEntry } from "../collectives/ledger.ts";
import { samplePayload } from "../collectives/payload-sample.ts";
import type { Schedule } from "../collectives/schedule.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import { bytesPerValue, conform } from "../scenario/number-format.ts";
import type { PlannedCollective } from "./catalogue.ts";
import { rankWords } from "./control.ts";
import type { Fabric } from "./fabric.ts";
import { rangeParts } from "./message-range.ts";
import { isAtLeast, positionOf } from "./position.ts";
import { programOf } from "./program.ts";
import { ReleasedError } from "./released.ts";
import { wireArray } from "./wire-array.ts";

/**
 * A rank's messages: it copies what it sends in a step into one half of its outbox, publishes the step, and
 * may use that half again two steps later, once every target has read it, straight from there.
 */
export class Mailbox {
  /** Finite numbers that a half format made infinite when they were added, ever. */
  overflows = 0;
  readonly #fabric: Fabric;
  readonly #rank: number;
  /** Messages ever written into each outbox half. */
  readonly #written: [number, number] = [0, 0];

  constructor(fabric: Fabric, rank: number) {
    this.#fabric = fabric;
    this.#rank = rank;
  }

  /**
   * Send and receive every message of a schedule.
   *
   * @param ledger of the rank, `entry` last.
   */
  *exchange(
    { schedule, outboxes }: PlannedCollective,
    group: Group,
    vector: FloatArray,
    combine: Combine,
    ledger: readonly LedgerEntry[],
  ): Progress<void> {
    const entry = ledger.at(-1)!;
    const { control } = this.#fabric;
    const me = group.ranks.indexOf(this.#rank);
    const sample = samplePayload(ledger, schedule, me, vector, combine.valuesPerElement);
    const program = programOf(schedule, me);
    const counts = combine.counts === undefined ? null : contributionCounts(schedule, combine.counts);
    let send = 0;
    let receive = 0;
    for (let step = 0; step < schedule.stepCount; step++) {
      const end = schedule.stepStart[step + 1]!;
      const position = positionOf(entry.sequence, step);
      const firstSend = send;
      while (send < program.sends.length && program.sends[send]! < end) send++;
      if (send > firstSend) {
        const messages = program.sends.subarray(firstSend, send);
        yield* this.#send(schedule, outboxes.offsets, messages, step & 1, vector, combine, entry);
        this.#publish(schedule, group, messages, position);
      }
      for (; receive < program.receives.length && program.receives[receive]! < end; receive++) {
        const message = program.receives[receive]!;
        const source = group.ranks[schedule.source[message]!]!;
        yield* this.#waitFor(control.rankWord(source, rankWords.published), position, source);
        this.#receive(
          schedule,
          outboxes.offsets[message]!,
          message,
          source,
          step & 1,
          vector,
          combine,
          counts,
          entry,
        );
      }
      sample();
    }
  }

  /** Copy a step's messages into the outbox half, once its last contents have been read. */
  *#send(
    schedule: Schedule,
    offsets: Uint32Array,
    messages: Uint32Array,
    half: 0 | 1 | number,
    vector: FloatArray,
    { valuesPerElement }: Combine,
    entry: LedgerEntry,
  ): Progress<void> {
    const { control, outboxes } = this.#fabric;
    const consumed = control.rankWord(
      this.#rank,
      half === 0 ? rankWords.consumedEven : rankWords.consumedOdd,
    );
    yield* this.#waitFor(consumed, this.#written[half as 0 | 1], null);
    const box = outboxes[this.#rank]!;
    const values = box.byteLength / 2 / vector.BYTES_PER_ELEMENT;
    const outbox = wireArray(box, entry.format, (half * box.byteLength) / 2, values);
    for (const message of messages) {
      let at = offsets[message]! * valuesPerElement;
      for (const part of rangeParts(schedule, message, vector, valuesPerElement)) {
        outbox.set(part, at);
        at += part.length;
      }
      entry.messagesSent++;
      entry.bytesSent += schedule.length[message]! * valuesPerElement * bytesPerValue(entry.format);
    }
    this.#written[half as 0 | 1] = (this.#written[half as 0 | 1] + messages.length) | 0;
    this.#fabric.movements++;
  }

  /** Let the targets read, and wake those that may sleep on other threads. */
  #publish(schedule: Schedule, group: Group, messages: Uint32Array, position: number): void {
    const { control, threadOfRank, thread } = this.#fabric;
    Atomics.store(control.words, control.rankWord(this.#rank, rankWords.published), position);
    for (const message of messages) {
      const targetThread = threadOfRank[group.ranks[schedule.target[message]!]!]!;
      if (targetThread !== thread) control.ring(targetThread);
    }
  }

  #receive(
    schedule: Schedule,
    offset: number,
    message: number,
    source: number,
    half: number,
    vector: FloatArray,
    { valuesPerElement, apply }: Combine,
    counts: ContributionCounts | null,
    entry: LedgerEntry,
  ): void {
    const { control, outboxes, threadOfRank, thread } = this.#fabric;
    const outbox = outboxes[source]!;
    let at = (half * outbox.byteLength) / 2 + offset * valuesPerElement * vector.BYTES_PER_ELEMENT;
    for (const part of rangeParts(schedule, message, vector, valuesPerElement)) {
      const incoming = wireArray(outbox, entry.format, at, part.length);
      if (schedule.reduces[message] === 1) {
        apply(part, incoming, counts?.own[message] ?? 0, counts?.incoming[message] ?? 0);
        this.overflows += conform(part, entry.format);
      } else part.set(incoming);
      at += part.byteLength;
    }
    entry.bytesReceived += schedule.length[message]! * valuesPerElement * bytesPerValue(entry.format);
    Atomics.add(
      control.words,
      control.rankWord(source, half === 0 ? rankWords.consumedEven : rankWords.consumedOdd),
      1,
    );
    if (threadOfRank[source] !== thread) control.ring(threadOfRank[source]!);
    this.#fabric.movements++;
  }

  *#waitFor(word: number, wanted: number, awaited: number | null): Progress<void> {
    const { control } = this.#fabric;
    if (isAtLeast(Atomics.load(control.words, word), wanted)) return;
    control.await(this.#rank, awaited);
    do {
      if (control.isAborted) throw new ReleasedError(`rank ${this.#rank} was released`);
      yield;
    } while (!isAtLeast(Atomics.load(control.words, word), wanted));
    control.await(this.#rank, null);
  }
}
