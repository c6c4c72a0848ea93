import { assert } from "../assert.ts";
import type { Progress } from "../collectives/communicator.ts";
import { momentsCombine } from "../collectives/merge-moments.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { BackwardField, Exchange, ForwardField } from "./implementation.ts";
import type { CollectiveShape, RankView } from "./operator.ts";

type Field = ForwardField | BackwardField;

/** A field as it arrived: of every rank after an all-gather, else one for all. */
export interface Received {
  readonly sources: number;
  /** In the summing order of the ranks. */
  value(source: number, channel: number): number;
}

/** Values of a field: most have one per channel. */
function widthOf(field: Field, channels: number): number {
  if (field === "count" || field === "samples") return 1;
  return field === "moments" ? momentsCombine.valuesPerElement * channels : channels;
}

function valuesOf({ fields, unused }: Exchange<Field>, channels: number): number {
  const filler = unused === undefined ? 0 : unused.perChannel * channels + unused.once;
  return fields.reduce((sum, field) => sum + widthOf(field, channels), filler);
}

/** The collective that an exchange is. */
export function shapeOf(
  exchange: Exchange<Field>,
  pass: CollectiveShape["pass"],
  channels: number,
): CollectiveShape {
  const valuesPerElement = exchange.fields.includes("moments") ? momentsCombine.valuesPerElement : 1;
  const { operation, format } = exchange;
  const values = valuesOf(exchange, channels);
  return { pass, operation, values, valuesPerElement, ...(format === undefined ? {} : { format }) };
}

/**
 * Send what `numberOf` gives and return what arrives, per field. It is valid until the next wait, or for good
 * where `keeps`.
 *
 * @param numberOf the number of a field at a place among the field's values.
 */
export function* exchangeFields<F extends Field>(
  { communicator, payload: room, extent: { channels } }: RankView,
  exchange: Exchange<F>,
  numberOf: (field: F, at: number) => number,
  keeps: boolean,
): Progress<Map<F, Received>> {
  const { operation, fields, format } = exchange;
  const payload = room(valuesOf(exchange, channels), format);
  const wire = format === undefined ? {} : { format };
  payload.fill(0);
  let start = 0;
  const starts = fields.map((field) => {
    const width = widthOf(field, channels);
    for (let i = 0; i < width; i++) payload[start + i] = numberOf(field, i);
    start += width;
    return start - width;
  });
  let arrived: FloatArray = payload;
  if (operation === "all-gather") arrived = yield* communicator.allGather(payload, wire);
  else if (operation === "broadcast") yield* communicator.broadcast(payload, wire);
  else if (fields.includes("moments" as F))
    yield* communicator.allReduce(payload, { combine: momentsCombine });
  else yield* communicator.allReduce(payload, wire);
  if (keeps) arrived = arrived.slice();
  const sources = arrived.length / payload.length;
  return new Map(
    fields.map((field, index) => [field, receivedAt(arrived, starts[index]!, payload.length, sources)]),
  );
}

function receivedAt(arrived: FloatArray, start: number, stride: number, sources: number): Received {
  return { sources, value: (source, channel) => arrived[source * stride + start + channel]! };
}

/** A field added up over the sources, in rank order. */
export function totalOf(received: Received | undefined, channel: number): number {
  assert(received !== undefined, "a merge wants a field that no collective has brought");
  let total = received.value(0, channel);
  for (let source = 1; source < received.sources; source++) total += received.value(source, channel);
  return total;
}
