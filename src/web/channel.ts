import { expose, type Remote, transferHandlers, wrap } from "comlink";
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

/** Answer the calls of whoever started this worker. */
export function serveCalls(service: object): void {
  expose(service);
}

/** Calls on a service that a worker serves. */
export type Calls<Service> = Remote<Service>;

/** The caller's side of a worker. Keep the result in a field: collecting it during a call would hang the call. */
export function callsOn<Service>(worker: Worker): Calls<Service> {
  return wrap<Service>(worker);
}
