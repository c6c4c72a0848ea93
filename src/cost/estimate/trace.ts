import type { Slice } from "../timeline/streams.ts";
import type { TimelineEvent } from "../trace/timeline.ts";
import { type EstimateRequest, resolveRequest } from "./request.ts";
import { stepModel } from "./step-model.ts";

/** The rank that stands for all, and the one that is slowest at every barrier: ranks of a trace, not of the world. */
const [typical, slowest] = [0, 1] as const;

/**
 * The step that `estimate` reports as syncBatchNorm, as a timeline of two ranks.
 *
 * Rank 0 stands for all ranks; rank 1 comes last to every collective, with an arrow to the rank that
 * waited. Nothing waits in a group of one, so there is one rank only. A measured step sets the pace here too.
 *
 * @throws ScenarioError with all faults of the request at once.
 */
export function estimateTrace(request: EstimateRequest): TimelineEvent[] {
  const slices = stepSlices(request);
  const typicalEvents = slices.map((slice) => eventOf(slice, typical));
  if (!slices.some(({ isSkew }) => isSkew)) return typicalEvents;
  const late = slices.map((slice, index): TimelineEvent => {
    if (!slice.isSkew) return eventOf(slice, slowest);
    const departureSeconds = slice.startSeconds + slice.durationSeconds;
    const { track, startSeconds } = slices[index + 1]!;
    const arrival = { rank: typical, track, departureSeconds, arrivalSeconds: startSeconds };
    return { ...eventOf(slice, slowest), name: "later than the others", flowsTo: [arrival] };
  });
  return [...typicalEvents, ...late];
}

/**
 * That step of the rank that stands for all, slice by slice.
 *
 * @throws ScenarioError with all faults of the request at once.
 */
export function stepSlices(request: EstimateRequest): Slice[] {
  const resolved = resolveRequest(request);
  const slices: Slice[] = [];
  stepModel(resolved).record(resolved.groupRanks, (slice) => slices.push(slice));
  return slices;
}

function eventOf({ track, name, startSeconds, durationSeconds }: Slice, rank: number): TimelineEvent {
  return { rank, track, name, startSeconds, durationSeconds };
}
