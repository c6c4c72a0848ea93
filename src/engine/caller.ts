import { type Communicator, finished, type Progress, type Wire } from "../collectives/communicator.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import type { Call } from "./call-records.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Fabric } from "./fabric.ts";
import type { GroupTable } from "./group-table.ts";
import { collectivesMaximum } from "./position.ts";
import { ReleasedError } from "./released.ts";

/**
 * One rank's side of every collective: it makes its call known before anything moves, and before it waits it compares it with
 * those of its two neighbours in the group, as TORCH_NCCL_DESYNC_DEBUG would have it compared. A mismatch is an error, not a hang.
 *
 * Each writes before it reads, so that of two neighbours the later one sees the other's; and where all neighbours
 * agree, all ranks do.
 */
export class Caller {
  readonly rank: number;
  /** Which call of the pass the program makes next. */
  ordinal = 0;
  readonly #fabric: Fabric;
  readonly #groups: GroupTable;
  readonly #endpoint: Endpoint;
  readonly #neighbours = new WeakMap<Group, readonly [number, number]>();
  #group: Group;
  #pass = -1;
  #hasLeft = true;
  #sequence = 0;

  constructor(rank: number, fabric: Fabric, groups: GroupTable, endpoint: Endpoint) {
    this.rank = rank;
    this.#fabric = fabric;
    this.#groups = groups;
    this.#endpoint = endpoint;
    this.#group = groups.world;
  }

  /** This rank's communicator in a group for one pass; see `Endpoint`. */
  communicator(group: Group, normalizer: number, pass: number): Communicator {
    const inner = this.#endpoint.communicator(group, normalizer, pass);
    let stop: (() => Progress<never>) | null = null;
    if (pass !== this.#pass) {
      stop = this.#hasLeft ? null : this.#end();
      this.#pass = pass;
      this.#hasLeft = false;
      this.#sequence = pass * collectivesMaximum;
      this.ordinal = 0;
    }
    this.#group = group;
    const { payload: usual } = this.#fabric;
    const check = <T>(
      operation: Call["operation"],
      payload: FloatArray,
      wire: Wire | undefined,
      run: () => Progress<T>,
    ): Progress<T> => {
      if (stop !== null) return stop();
      const sequence = this.#sequence;
      const signature = this.makeKnown(operation, payload.length, wire?.format ?? usual);
      const progress = run();
      // What was over at once was so because all calls were the same.
      if ((progress as Progress<unknown>) === finished) return progress;
      return this.#isContradicted(sequence, signature) ? this.#stop(this.#group, sequence) : progress;
    };
    return {
      groupSize: inner.groupSize,
      allReduce: (payload, wire) => check("all-reduce", payload, wire, () => inner.allReduce(payload, wire)),
      allGather: (payload, wire) => check("all-gather", payload, wire, () => inner.allGather(payload, wire)),
      broadcast: (payload, wire) => check("broadcast", payload, wire, () => inner.broadcast(payload, wire)),
      reduceScatter: (payload, wire) =>
        check("reduce-scatter", payload, wire, () => inner.reduceScatter(payload, wire)),
    };
  }

  /** The pass is over, at the latest when the next one begins: its peers must not call any more of it either. */
  *leave(): Progress<void> {
    const stop = this.#end();
    if (stop !== null) yield* stop();
  }

  /** Wait for what will never come. */
  *waitForEver(awaited: number): Progress<never> {
    const { control } = this.#fabric;
    control.await(this.rank, awaited);
    for (;;) {
      if (control.isAborted) throw new ReleasedError(`rank ${this.rank} was released`);
      yield;
    }
  }

  /** Make known which call comes next, as if it was made; its signature. */
  makeKnown(operation: Call["operation"], values: number, format: Call["format"]): number {
    return this.#fabric.control.calls.begin(this.rank, {
      sequence: this.#sequence++,
      operation,
      values,
      format,
      group: this.#groups.numberOf(this.#group),
      ordinal: this.ordinal++,
    });
  }

  #end(): (() => Progress<never>) | null {
    this.#hasLeft = true;
    const [group, sequence] = [this.#group, this.#sequence];
    const signature = this.makeKnown("leave", 0, this.#fabric.payload);
    return this.#isContradicted(sequence, signature) ? () => this.#stop(group, sequence) : null;
  }

  #isContradicted(sequence: number, signature: number): boolean {
    const { calls } = this.#fabric.control;
    const [before, after] = this.#neighboursIn(this.#group);
    return calls.contradicts(before, sequence, signature) || calls.contradicts(after, sequence, signature);
  }

  #neighboursIn(group: Group): readonly [number, number] {
    let neighbours = this.#neighbours.get(group);
    if (neighbours === undefined) {
      const { ranks } = group;
      const index = ranks.indexOf(this.rank);
      neighbours = [ranks.at(index - 1)!, ranks[(index + 1) % ranks.length]!];
      this.#neighbours.set(group, neighbours);
    }
    return neighbours;
  }

  /** Whether a rank has left the pass of a call that it has not made. */
  #hasLeftBefore(rank: number, sequence: number): boolean {
    const latest = this.#fabric.control.calls.callsOf(rank).at(-1);
    return latest?.operation === "leave" && latest.sequence >= sequence - (sequence % collectivesMaximum);
  }

  /** Let all of the group that will make their calls known, so that who is in the wrong can be told; then fail. */
  *#stop({ ranks }: Group, sequence: number): Progress<never> {
    const { control } = this.#fabric;
    for (const peer of ranks) {
      control.await(this.rank, peer);
      while (!control.calls.hasReached(peer, sequence) && !this.#hasLeftBefore(peer, sequence)) {
        if (control.isAborted) throw new ReleasedError(`rank ${this.rank} was released`);
        yield;
      }
    }
    control.await(this.rank, null);
    throw new Error("its collective is not the one that its peers call");
  }
}
