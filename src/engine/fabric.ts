import { assert } from "../assert.ts";
import type { Combine, Communicator, Progress } from "../collectives/communicator.ts";
import { type ContributionCounts, contributionCounts } from "../collectives/contribution-counts.ts";
import { type LedgerEntry, newEntry, recordMessages } from "../collectives/ledger.ts";
import { samplePayload } from "../collectives/payload-sample.ts";
import { blockStart, type Schedule } from "../collectives/schedule.ts";
import type { FloatArray, Kernels } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import {
  bytesPerValue,
  conform,
  isWide,
  type NumberFormat,
  type WireFormat,
} from "../scenario/number-format.ts";
import type { Catalogue, PlannedCollective } from "./catalogue.ts";
import type { Control } from "./control.ts";
import type { Landing } from "./landing.ts";
import { rangeParts } from "./message-range.ts";
import { collectivesMaximum, isAtLeast, positionOf } from "./position.ts";
import { programOf } from "./program.ts";
import { ReleasedError } from "./released.ts";
import type { Rendezvous } from "./rendezvous.ts";
import { wireArray } from "./wire-array.ts";

/** What the ends of one thread share. */
export interface Fabric {
  readonly control: Control;
  readonly kernels: Kernels;
  readonly catalogue: Catalogue;
  readonly landing: Landing;
  /** Of every rank in the world. */
  readonly outboxes: readonly Uint8Array[];
  /** What values travel as where a call does not say. */
  readonly payload: NumberFormat;
  readonly threadOfRank: readonly number[];
  readonly thread: number;
  /** null: collectives go by messages only. */
  readonly rendezvous: Rendezvous | null;
  /** Counts completed sends and receives on this thread, so that the executor sees movement. */
  movements: number;
}

/**
 * One rank's end of the fabric: it executes schedules against its peers through shared memory, by a rendezvous where
 * that comes to the same. Otherwise a rank copies what it sends in a step into one half of its outbox, publishes the step, and
 * may use that half again two steps later, once every target has read it, straight from there.
 */
export class Endpoint {
  readonly ledger: LedgerEntry[] = [];
  /** Finite numbers that a half format made infinite here, ever. */
  overflows = 0;
  readonly #fabric: Fabric;
  readonly #rank: number;
  /** The number of the next collective. */
  #sequence = 0;
  /** Messages ever written into each outbox half. */
  readonly #written: [number, number] = [0, 0];

  constructor(fabric: Fabric, rank: number) {
    this.#fabric = fabric;
    this.#rank = rank;
  }

  /**
   * This rank's communicator in a group for one pass of a normaliser.
   *
   * @param pass counts the passes of the run. All ranks number their collectives from it, so that
   * ranks whose group sends nothing stay in step with the others.
   */
  communicator(group: Group, normalizer: number, pass: number): Communicator {
    this.#sequence = pass * collectivesMaximum;
    const { catalogue, kernels, landing, payload: usual } = this.#fabric;
    const groupSize = group.ranks.length;
    const addition: Combine = { valuesPerElement: 1, apply: kernels.accumulate };
    const self = this;
    return {
      groupSize,
      *allReduce(payload, { format = usual, combine = addition } = {}) {
        const { valuesPerElement } = combine;
        const shape = { operation: "all-reduce", values: payload.length, valuesPerElement } as const;
        self.#enter(payload, format);
        yield* self.#execute(catalogue.plan(shape, groupSize), group, payload, format, combine, normalizer);
      },
      *allGather(payload, { format = usual } = {}) {
        const shape = { operation: "all-gather", values: payload.length, valuesPerElement: 1 } as const;
        const sequence = self.#sequence;
        const gathered = yield* landing.open(group, sequence, format, payload.length * groupSize);
        self.#enter(payload, format);
        gathered.set(payload, group.ranks.indexOf(self.#rank) * payload.length);
        yield* self.#execute(catalogue.plan(shape, groupSize), group, gathered, format, addition, normalizer);
        landing.close(group);
        return gathered;
      },
      *broadcast(payload, { format = usual } = {}) {
        const shape = { operation: "broadcast", values: payload.length, valuesPerElement: 1 } as const;
        self.#enter(payload, format);
        yield* self.#execute(catalogue.plan(shape, groupSize), group, payload, format, addition, normalizer);
      },
      *reduceScatter(payload, { format = usual } = {}) {
        const shape = { operation: "reduce-scatter", values: payload.length, valuesPerElement: 1 } as const;
        self.#enter(payload, format);
        yield* self.#execute(catalogue.plan(shape, groupSize), group, payload, format, addition, normalizer);
        const block = group.ranks.indexOf(self.#rank);
        const start = (index: number): number => blockStart(index, groupSize, payload.length);
        return payload.subarray(start(block), start(block + 1));
      },
    };
  }

  /** This rank's values reach the wire. */
  #enter(payload: FloatArray, format: WireFormat): void {
    assert((payload.BYTES_PER_ELEMENT === 8) === isWide(format), "an array of another format");
    this.overflows += conform(payload, format);
  }

  *#execute(
    { schedule, outboxes, count }: PlannedCollective,
    group: Group,
    vector: FloatArray,
    format: WireFormat,
    combine: Combine,
    normalizer: number,
  ): Progress<void> {
    const { control, kernels, rendezvous } = this.#fabric;
    const me = group.ranks.indexOf(this.#rank);
    const sequence = this.#sequence++;
    control.words[control.rankWord(this.#rank, "collective")] = this.ledger.length + 1;
    const entry = newEntry(schedule, { format, group: group.index, sequence, normalizer });
    this.ledger.push(entry);
    const isPlain = combine.apply === kernels.accumulate;
    if (isPlain && rendezvous?.takes(schedule, { rank: this.#rank, group, normalizer, format })) {
      yield* rendezvous.execute(this.#rank, group, sequence, schedule, vector);
      this.#fabric.movements++;
      return recordMessages(entry, count, me, combine.valuesPerElement * bytesPerValue(format));
    }
    const sample = samplePayload(this.ledger, schedule, me, vector, combine.valuesPerElement);
    const program = programOf(schedule, me);
    const counts = combine.counts === undefined ? null : contributionCounts(schedule, combine.counts);
    let send = 0;
    let receive = 0;
    for (let step = 0; step < schedule.stepCount; step++) {
      const end = schedule.stepStart[step + 1]!;
      const position = positionOf(sequence, step);
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
        yield* this.#waitFor(control.rankWord(source, "published"), position, source);
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
    const consumed = control.rankWord(this.#rank, half === 0 ? "consumedEven" : "consumedOdd");
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
    Atomics.store(control.words, control.rankWord(this.#rank, "published"), position);
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
    Atomics.add(control.words, control.rankWord(source, half === 0 ? "consumedEven" : "consumedOdd"), 1);
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
