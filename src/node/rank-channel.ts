import type { MessagePort } from "node:worker_threads";
import { type Endpoint, expose, type Remote, transferHandlers, wrap } from "comlink";
import type { RankThread } from "../engine/rank-thread.ts";
import { ReleasedError } from "../engine/released.ts";
import { RankError } from "../errors.ts";

/** An error as plain data; structured clone would lose its class and Comlink its cause. */
interface WireError {
  readonly name: string;
  readonly message: string;
  readonly rank?: number;
  readonly step?: string;
  readonly stack?: string;
}

/** What a RankError's constructor was given as `what`, from its message `rank R: what (at step)`. */
function toWire(error: unknown): WireError {
  if (error instanceof RankError) {
    const cause = error.cause instanceof Error ? error.cause : error;
    return {
      name: "RankError",
      message: cause.message,
      rank: error.rank,
      step: error.step,
      stack: cause.stack ?? "",
    };
  }
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack ?? "" };
  return { name: "Error", message: String(error) };
}

function fromWire({ name, message, rank, step, stack }: WireError): Error {
  if (name === "ReleasedError") return new ReleasedError(message);
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  return name === "RankError" && rank !== undefined && step !== undefined
    ? new RankError(rank, step, message, { cause })
    : cause;
}

const thrown = transferHandlers.get("throw")!;
transferHandlers.set("throw", {
  canHandle: thrown.canHandle,
  serialize: (marked) => [toWire((marked as { value: unknown }).value), []],
  deserialize(wire) {
    throw fromWire(wire as WireError);
  },
});

/** Answer calls that arrive on a port: the worker's side. Node's MessagePort is an EventTarget, all that Comlink needs. */
export function exposeRankThread(port: MessagePort, thread: RankThread): void {
  expose(thread, port as unknown as Endpoint);
}

/** Calls on the ranks of another thread. */
export type RemoteRankThread = Remote<RankThread>;

/** The coordinator's side of a port. Keep the result in a field: collecting it during a call would hang the call. */
export function connectRankThread(port: MessagePort): RemoteRankThread {
  return wrap<RankThread>(port as unknown as Endpoint);
}
