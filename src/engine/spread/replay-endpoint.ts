import type { Combine, Communicator, Progress, Wire } from "../../collectives/communicator.ts";
import type { LedgerEntry } from "../../collectives/ledger.ts";
import { blockStart, type Operation } from "../../collectives/schedule.ts";
import type { FloatArray } from "../../kernels/kernels.ts";
import type { Group } from "../../normalizers/group.ts";
import { conform, type NumberFormat } from "../../scenario/number-format.ts";
import { collectivesMaximum } from "../position.ts";
import type { RankEnds } from "../thread-context.ts";
import type { Answer, Contribution } from "./block-call.ts";

/** A block came to a collective whose answer is not known yet. */
export class SuspendedError extends Error {
  override readonly name = "SuspendedError";
}

/**
 * One rank's way to peers in other blocks: its collectives are answered from what is known. At the first one that
 * is not, the rank says what it brings and waits for good.
 */
export class ReplayEndpoint {
  readonly ledger: LedgerEntry[] = [];
  overflows = 0;
  /** What the rank brings to the collective that it waits for. */
  contribution: Contribution | null = null;
  readonly #rank: number;
  readonly #usual: NumberFormat;
  #answers: readonly Answer[] = [];
  #next = 0;

  /** @param usual what values travel as where a call does not say. */
  constructor(rank: number, usual: NumberFormat) {
    this.#rank = rank;
    this.#usual = usual;
  }

  /** To be called before every pass and exchange, with what its collectives gave. */
  begin(answers: readonly Answer[]): void {
    this.#answers = answers;
    this.#next = 0;
  }

  /** How the rank meets its peers. */
  get ends(): RankEnds {
    // Who is at odds with its peers is seen where collectives are executed.
    return { endpoint: this, caller: { communicator: this.#communicator.bind(this), *leave() {} } };
  }

  #communicator(group: Group, normalizer: number, pass: number): Communicator {
    let sequence = pass * collectivesMaximum;
    const part = (pass % 2) as 0 | 1;
    const ask = (operation: Operation, payload: FloatArray, wire: Wire & { combine?: Combine } = {}) =>
      this.#ask({ normalizer, group: group.index, sequence: sequence++ }, part, operation, payload, wire);
    return {
      groupSize: group.ranks.length,
      *allReduce(payload, wire) {
        payload.set(yield* ask("all-reduce", payload, wire));
      },
      *allGather(payload, wire) {
        return yield* ask("all-gather", payload, wire);
      },
      *broadcast(payload, wire) {
        payload.set(yield* ask("broadcast", payload, wire));
      },
      reduceScatter: (payload, wire) => this.#scattered(ask("reduce-scatter", payload, wire), group, payload),
    };
  }

  *#scattered(asked: Progress<FloatArray>, { ranks }: Group, payload: FloatArray): Progress<FloatArray> {
    payload.set(yield* asked);
    const block = ranks.indexOf(this.#rank);
    const start = (index: number): number => blockStart(index, ranks.length, payload.length);
    return payload.subarray(start(block), start(block + 1));
  }

  *#ask(
    whose: Pick<LedgerEntry, "normalizer" | "group" | "sequence">,
    part: 0 | 1,
    operation: Operation,
    payload: FloatArray,
    { format = this.#usual, combine }: Wire & { combine?: Combine },
  ): Progress<FloatArray> {
    this.overflows += conform(payload, format);
    const answer = this.#answers[this.#next++];
    const received = answer?.ranks[this.#rank];
    if (answer === undefined || received === undefined || received === null) {
      const valuesPerElement = (combine?.valuesPerElement ?? 1) as Contribution["valuesPerElement"];
      const counts = combine?.counts ?? null;
      const values = payload.slice();
      this.contribution = { rank: this.#rank, part, operation, format, valuesPerElement, counts, values };
      for (;;) yield;
    }
    // A sample is of a normaliser's first collective in the run.
    const isFirst = this.ledger.every(({ normalizer }) => normalizer !== whose.normalizer);
    const { sample, ...entry } = received.entry;
    this.ledger.push({ ...entry, ...whose, ...(isFirst && sample !== undefined && { sample }) });
    this.overflows += received.overflows;
    return answer.vectors[received.vector]!;
  }
}
