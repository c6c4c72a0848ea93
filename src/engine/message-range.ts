import type { Schedule } from "../collectives/schedule.ts";
import type { FloatArray } from "../kernels/kernels.ts";

/** A message's circular range of a vector: one or two parts. */
export function rangeParts(
  schedule: Schedule,
  message: number,
  vector: FloatArray,
  valuesPerElement: number,
): FloatArray[] {
  const start = schedule.offset[message]! * valuesPerElement;
  const end = start + schedule.length[message]! * valuesPerElement;
  const total = schedule.elements * valuesPerElement;
  if (end <= total) return [vector.subarray(start, end)];
  return [vector.subarray(start, total), vector.subarray(0, end - total)];
}
