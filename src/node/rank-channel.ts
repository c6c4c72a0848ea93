import type { MessagePort } from "node:worker_threads";
import { type Endpoint, expose, type Remote, transferHandlers, wrap } from "comlink";
import type { RankThread } from "../engine/rank-thread.ts";
import { fromWireError, toWireError, type WireError } from "../engine/wire-error.ts";

// Comlink's own handler loses an error's class and cause.
const thrown = transferHandlers.get("throw")!;
transferHandlers.set("throw", {
  canHandle: thrown.canHandle,
  serialize: (marked) => [toWireError((marked as { value: unknown }).value), []],
  deserialize(wire) {
    throw fromWireError(wire as WireError);
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
