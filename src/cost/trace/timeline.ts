/** The lanes of a rank: its host thread, its compute stream and its communication stream. */
export type Track = "host" | "compute" | "communication";

/** An arrow from a moment inside one event to a moment inside another: a message, a launch, a wait. */
export interface TimelineFlow {
  /** Where the arrow ends. */
  readonly rank: number;
  readonly track: Track;
  /** When it leaves; start <= departure <= end of the event that carries the flow. */
  readonly departureSeconds: number;
  /** When it arrives; some event of that rank and track must be under way or end then. */
  readonly arrivalSeconds: number;
}

/**
 * Something that occupied one track of one rank for a while.
 *
 * Events of a track either follow one another or lie one inside the other; they never overlap in part.
 */
export interface TimelineEvent {
  readonly rank: number;
  readonly track: Track;
  /** What a person reads on the slice: a kernel, a collective, a call. */
  readonly name: string;
  readonly startSeconds: number;
  readonly durationSeconds: number;
  readonly flowsTo?: readonly TimelineFlow[];
  /** Figures to show when the slice is chosen, by name with the unit last: { payloadBytes: 8192 }. */
  readonly details?: Readonly<Record<string, string | number>>;
}
