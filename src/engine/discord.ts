import { assert } from "../assert.ts";
import type { Communicator, Progress, Wire } from "../collectives/communicator.ts";
import type { Operation } from "../collectives/schedule.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { Group } from "../normalizers/group.ts";
import { type DiscordFault, type InjectedFault, isDiscord } from "../scenario/injected-fault.ts";
import { Caller } from "./caller.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Fabric } from "./fabric.ts";
import type { GroupTable } from "./group-table.ts";
import { LeftEarly } from "./left-early.ts";
import { programOf } from "./program.ts";

/** What a caller needs of its thread and its scenario. */
export interface CallContext {
  readonly fabric: Fabric;
  readonly groups: GroupTable;
  readonly faults: readonly InjectedFault[];
}

/** The caller of a rank, discordant where its scenario wants it so. */
export function callerOf(
  rank: number,
  { fabric, groups, faults }: CallContext,
  endpoint: Endpoint,
): Pick<Caller, "communicator" | "leave"> {
  const caller = new Caller(rank, fabric, groups, endpoint);
  const own = faults.filter((fault) => isDiscord(fault)).filter((fault) => fault.rank === rank);
  return own.length === 0 ? caller : new DiscordantCaller(caller, fabric, groups.world, own);
}

/** One call as the rank's program meant it. */
interface Meant<T> {
  readonly operation: Operation;
  readonly payload: FloatArray;
  readonly wire: Wire | undefined;
  readonly valuesPerElement: number;
  readonly run: (communicator: Communicator, payload: FloatArray) => Progress<T>;
  /** What the caller is given of a call that has not been made yet. */
  readonly standIn: (payload: FloatArray) => T;
}

/** A rank that, where its scenario says so, does not call what its peers call. Everywhere else it does. */
class DiscordantCaller {
  readonly #caller: Caller;
  readonly #fabric: Fabric;
  readonly #world: Group;
  readonly #faults: readonly DiscordFault[];
  /** By `wrong-order`: the call that the next one overtakes. */
  #overtaken: (() => Progress<unknown>) | null = null;

  /** @param faults of this rank. */
  constructor(caller: Caller, fabric: Fabric, world: Group, faults: readonly DiscordFault[]) {
    this.#caller = caller;
    this.#fabric = fabric;
    this.#world = world;
    this.#faults = faults;
  }

  /** As of `Caller`. */
  communicator(group: Group, normalizer: number, pass: number): Communicator {
    const inner = this.#caller.communicator(group, normalizer, pass);
    const { groupSize } = inner;
    const inWorld = (): Communicator => this.#caller.communicator(this.#world, normalizer, pass);
    const call = <T>(meant: Meant<T>): Progress<T> => this.#call(meant, group, inner, inWorld);
    return {
      groupSize,
      allReduce: (payload, wire) =>
        call({
          operation: "all-reduce",
          payload,
          wire,
          valuesPerElement: wire?.combine?.valuesPerElement ?? 1,
          run: (communicator, values) => communicator.allReduce(values, wire),
          standIn: () => {},
        }),
      allGather: (payload, wire) =>
        call({
          operation: "all-gather",
          payload,
          wire,
          valuesPerElement: 1,
          run: (communicator, values) => communicator.allGather(values, wire),
          standIn: (values) => repeated(values, groupSize),
        }),
      broadcast: (payload, wire) =>
        call({
          operation: "broadcast",
          payload,
          wire,
          valuesPerElement: 1,
          run: (communicator, values) => communicator.broadcast(values, wire),
          standIn: () => {},
        }),
      reduceScatter: (payload, wire) =>
        call({
          operation: "reduce-scatter",
          payload,
          wire,
          valuesPerElement: 1,
          run: (communicator, values) => communicator.reduceScatter(values, wire),
          standIn: (values) => values,
        }),
    };
  }

  /** As of `Caller`. */
  leave(): Progress<void> {
    return this.#caller.leave();
  }

  *#call<T>(meant: Meant<T>, group: Group, inner: Communicator, inWorld: () => Communicator): Progress<T> {
    const { payload, valuesPerElement, run, standIn } = meant;
    const perform = (): Progress<T> => run(inner, payload);
    if (this.#overtaken !== null) {
      const overtaken = this.#overtaken;
      this.#overtaken = null;
      const result = yield* perform();
      yield* overtaken();
      return result;
    }
    const caller = this.#caller;
    switch (this.#faultHere()) {
      case "wrong-order": {
        const [ordinal, values] = [caller.ordinal++, payload.slice()];
        this.#overtaken = () => {
          caller.ordinal = ordinal;
          return run(inner, values);
        };
        return standIn(values);
      }
      case "wrong-size":
        return yield* run(inner, payload.subarray(0, payload.length - valuesPerElement));
      case "wrong-group":
        return yield* run(group.ranks.length < this.#world.ranks.length ? inWorld() : inner, payload);
      case "early-return":
        yield* caller.leave();
        throw new LeftEarly();
      case "dropped-message":
        return yield* this.#lose(meant, group, inner);
      default:
        return yield* perform();
    }
  }

  #faultHere(): DiscordFault["kind"] | undefined {
    const { trainingStep, phase } = this.#fabric.control.placeOf(this.#caller.rank);
    return this.#faults.find((fault) => fault.trainingStep === trainingStep && fault.phase === phase)?.kind;
  }

  /** Make the call known, then wait for the target of a message that it never gets. A rank that sends nothing loses nothing. */
  *#lose<T>(
    { operation, payload, wire, valuesPerElement, run }: Meant<T>,
    group: Group,
    inner: Communicator,
  ): Progress<T> {
    const { catalogue, control, payload: usual } = this.#fabric;
    const { rank } = this.#caller;
    const shape = { operation, values: payload.length, valuesPerElement };
    const { schedule } = catalogue.plan(shape, group.ranks.length);
    const [first] = programOf(schedule, group.ranks.indexOf(rank)).sends;
    if (first === undefined) return yield* run(inner, payload);
    this.#caller.makeKnown(operation, payload.length, wire?.format ?? usual);
    const target = group.ranks[schedule.target[first]!];
    assert(target !== undefined, `message ${first} of ${schedule.algorithm} goes to a rank of the group`);
    control.calls.lose(rank, target);
    return yield* this.#caller.waitForEver(target);
  }
}

function repeated(values: FloatArray, count: number): FloatArray {
  const all =
    values instanceof Float32Array
      ? new Float32Array(values.length * count)
      : new Float64Array(values.length * count);
  for (let i = 0; i < count; i++) all.set(values, i * values.length);
  return all;
}
