import { assert } from "../assert.ts";
import { type Combine, type Communicator, finished, type Progress } from "../collectives/communicator.ts";
import { type LedgerEntry, newEntry, recordMessages } from "../collectives/ledger.ts";
import { blockStart, type Operation } from "../collectives/schedule.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import { bytesPerValue, conform, isWide, type WireFormat } from "../scenario/number-format.ts";
import type { PlannedCollective } from "./catalogue.ts";
import { rankWords } from "./control.ts";
import type { Fabric } from "./fabric.ts";
import { Mailbox } from "./mailbox.ts";
import type { Meeting } from "./party.ts";
import { collectivesMaximum } from "./position.ts";
import { ReleasedError } from "./released.ts";
import { looksAgain, looksOfLast, type Rendezvous } from "./rendezvous.ts";

/** Whose communicator it is. */
interface Caller {
  readonly group: Group;
  /** Of the rank in the group. */
  readonly index: number;
  readonly normalizer: number;
}

/** What a rank has worked out for a call, and may use again for one of the same shape. */
interface Prepared {
  readonly operation: Operation;
  readonly values: number;
  readonly format: WireFormat;
  readonly combine: Combine;
  readonly planned: PlannedCollective;
  /** null: by messages. */
  readonly meeting: Meeting | null;
}

/**
 * One rank's end of the fabric: it executes schedules against its peers through shared memory, by a rendezvous where
 * that comes to the same as messages.
 */
export class Endpoint {
  readonly ledger: LedgerEntry[] = [];
  readonly #fabric: Fabric;
  readonly #rank: number;
  readonly #mailbox: Mailbox;
  #pass = -1;
  /** The number of the next collective. */
  #sequence = 0;
  /** Finite numbers that a half format made infinite when they entered a collective, ever. */
  #overflows = 0;

  constructor(fabric: Fabric, rank: number) {
    this.#fabric = fabric;
    this.#rank = rank;
    this.#mailbox = new Mailbox(fabric, rank);
  }

  /** Finite numbers that a half format made infinite here, ever. */
  get overflows(): number {
    return this.#overflows + this.#mailbox.overflows;
  }

  /**
   * This rank's communicator in a group for one pass of a normaliser.
   *
   * @param pass counts the passes of the run. All ranks number their collectives from it, so that
   * ranks whose group sends nothing stay in step with the others.
   */
  communicator(group: Group, normalizer: number, pass: number): Communicator {
    // A pass that goes on goes on counting: what has been published is never taken back.
    if (pass !== this.#pass) this.#sequence = pass * collectivesMaximum;
    this.#pass = pass;
    const { kernels, landing, payload: usual } = this.#fabric;
    const groupSize = group.ranks.length;
    const index = group.ranks.indexOf(this.#rank);
    const caller: Caller = { group, index, normalizer };
    const addition: Combine = { valuesPerElement: 1, apply: kernels.accumulate };
    let latest: Prepared | null = null;
    /** @param vector of the schedule, in which the rank's values lie. */
    const call = (
      operation: Operation,
      values: number,
      vector: FloatArray,
      format: WireFormat,
      combine: Combine,
    ): Progress<void> => {
      const isAlike =
        latest !== null &&
        latest.operation === operation &&
        latest.values === values &&
        latest.format === format &&
        latest.combine === combine;
      const prepared = isAlike ? latest! : this.#prepare(caller, operation, values, format, combine);
      // By messages it may go this time alone.
      latest = prepared.meeting === null ? null : prepared;
      return this.#execute(prepared, caller, vector, format);
    };
    const self = this;
    return {
      groupSize,
      allReduce(payload, { format = usual, combine = addition } = {}) {
        self.#enter(payload, format);
        return call("all-reduce", payload.length, payload, format, combine);
      },
      *allGather(payload, { format = usual } = {}) {
        const gathered = yield* landing.open(group, self.#sequence, format, payload.length * groupSize);
        self.#enter(payload, format);
        gathered.set(payload, index * payload.length);
        yield* call("all-gather", payload.length, gathered, format, addition);
        landing.close(group);
        return gathered;
      },
      broadcast(payload, { format = usual } = {}) {
        self.#enter(payload, format);
        return call("broadcast", payload.length, payload, format, addition);
      },
      *reduceScatter(payload, { format = usual } = {}) {
        self.#enter(payload, format);
        yield* call("reduce-scatter", payload.length, payload, format, addition);
        const start = (block: number): number => blockStart(block, groupSize, payload.length);
        return payload.subarray(start(index), start(index + 1));
      },
    };
  }

  #prepare(
    { group, normalizer }: Caller,
    operation: Operation,
    values: number,
    format: WireFormat,
    combine: Combine,
  ): Prepared {
    const { catalogue, kernels, rendezvous } = this.#fabric;
    const { valuesPerElement, apply } = combine;
    const planned = catalogue.plan({ operation, values, valuesPerElement }, group.ranks.length);
    const whose = { rank: this.#rank, group, normalizer, format };
    const meets = apply === kernels.accumulate && rendezvous !== null;
    const meeting = meets ? rendezvous.meetingOf(planned.schedule, whose) : null;
    return { operation, values, format, combine, planned, meeting };
  }

  /** This rank's values reach the wire. */
  #enter(payload: FloatArray, format: WireFormat): void {
    assert((payload.BYTES_PER_ELEMENT === 8) === isWide(format), "an array of another format");
    this.#overflows += conform(payload, format);
  }
  /** What can be done without waiting for a peer is done at once. */
  #execute(
    { planned, meeting, combine }: Prepared,
    { group, index, normalizer }: Caller,
    vector: FloatArray,
    format: WireFormat,
  ): Progress<void> {
    const { control, rendezvous } = this.#fabric;
    const sequence = this.#sequence++;
    control.words[control.rankWord(this.#rank, rankWords.collective)] = this.ledger.length + 1;
    // First of all, so that the others see it while this rank keeps its books.
    if (meeting !== null) rendezvous!.come(meeting, this.#rank, sequence, vector);
    const entry = newEntry(planned.schedule, { format, group: group.index, sequence, normalizer });
    this.ledger.push(entry);
    if (meeting === null) return this.#mailbox.exchange(planned, group, vector, combine, this.ledger);
    recordMessages(entry, planned.count, index, combine.valuesPerElement * bytesPerValue(format));
    if (!rendezvous!.isOver(meeting, sequence, looksOfLast))
      return this.#meet(rendezvous!, meeting, sequence);
    this.#fabric.movements++;
    return finished;
  }

  /** Wait until a collective is over that this rank has come to. */
  *#meet(rendezvous: Rendezvous, meeting: Meeting, sequence: number): Progress<void> {
    const { control } = this.#fabric;
    yield;
    while (!rendezvous.isOver(meeting, sequence, looksAgain)) {
      control.await(this.#rank, rendezvous.awaitedIn(meeting, sequence));
      if (control.isAborted) throw new ReleasedError(`rank ${this.#rank} was released`);
      yield;
    }
    control.await(this.#rank, null);
    this.#fabric.movements++;
  }
}
