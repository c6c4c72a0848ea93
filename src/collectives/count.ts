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
  /** The most elements that one rank sends in one step: what its outbox must hold. */
  readonly maxStepElements: number;
}

/** Count what a schedule sends, without moving anything. */
export function countSchedule(schedule: Schedule): ScheduleCount {
  const { ranks, stepCount, stepStart, source, target, length } = schedule;
  const messagesSent = new Float64Array(ranks);
  const messagesReceived = new Float64Array(ranks);
  const elementsSent = new Float64Array(ranks);
  const elementsReceived = new Float64Array(ranks);
  const sentBefore = new Float64Array(ranks);
  let elements = 0;
  let maxStepElements = 0;
  for (let step = 0; step < stepCount; step++) {
    const end = stepStart[step + 1]!;
    for (let i = stepStart[step]!; i < end; i++) sentBefore[source[i]!] = elementsSent[source[i]!]!;
    for (let i = stepStart[step]!; i < end; i++) {
      const from = source[i]!;
      const to = target[i]!;
      const sent = length[i]!;
      messagesSent[from]!++;
      messagesReceived[to]!++;
      elementsSent[from]! += sent;
      elementsReceived[to]! += sent;
      elements += sent;
      maxStepElements = Math.max(maxStepElements, elementsSent[from]! - sentBefore[from]!);
    }
  }
  const messages = source.length;
  return {
    messagesSent,
    messagesReceived,
    elementsSent,
    elementsReceived,
    messages,
    elements,
    maxStepElements,
  };
}
