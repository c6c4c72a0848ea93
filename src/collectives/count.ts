import type { Schedule } from "./schedule.ts";

/** What a schedule sends, in messages and elements; the arrays have one entry per rank. */
export interface ScheduleCount {
  readonly messagesSent: Float64Array;
  readonly messagesReceived: Float64Array;
  readonly elementsSent: Float64Array;
  readonly elementsReceived: Float64Array;
  /** Messages of all ranks. */
  readonly messages: number;
  /** Elements sent by all ranks. */
  readonly elements: number;
}

/** Count what a schedule sends, without moving anything. */
export function countSchedule(schedule: Schedule): ScheduleCount {
  const { ranks, source, target, length } = schedule;
  const messagesSent = new Float64Array(ranks);
  const messagesReceived = new Float64Array(ranks);
  const elementsSent = new Float64Array(ranks);
  const elementsReceived = new Float64Array(ranks);
  let elements = 0;
  for (let i = 0; i < source.length; i++) {
    const sent = length[i]!;
    messagesSent[source[i]!]!++;
    messagesReceived[target[i]!]!++;
    elementsSent[source[i]!]! += sent;
    elementsReceived[target[i]!]! += sent;
    elements += sent;
  }
  const messages = source.length;
  return {
    messagesSent,
    messagesReceived,
    elementsSent,
    elementsReceived,
    messages,
    elements,
  };
}
