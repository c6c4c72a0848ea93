/** One measurement that was published, and what normsim predicts for it. */
export interface ValidationPoint {
  /** What is summed up together. */
  readonly family: string;
  /** The run it is part of; its points stand in one block. */
  readonly run: string;
  /** The point within the run: a size, a layer. */
  readonly label: string;
  readonly measuredSeconds: number;
  readonly predictedSeconds: number;
  readonly lowSeconds: number;
  readonly highSeconds: number;
  /** Whether the model was fitted to it: then its error flatters. */
  readonly isFitted: boolean;
  readonly source: string;
}

/** How a family of points fares. */
export interface ValidationSummary {
  readonly family: string;
  readonly points: number;
  /** Median of |predicted / measured - 1|. */
  readonly medianError: number;
  /** Share of measurements inside the 80 % band. */
  readonly coverage: number;
}

/** predicted / measured - 1. */
export function errorOf({ predictedSeconds, measuredSeconds }: ValidationPoint): number {
  return predictedSeconds / measuredSeconds - 1;
}

/** Whether the measurement lies inside the predicted band. */
export function isInBand({ measuredSeconds, lowSeconds, highSeconds }: ValidationPoint): boolean {
  return measuredSeconds >= lowSeconds && measuredSeconds <= highSeconds;
}

/** Medians and coverage by family, in order of appearance. */
export function summarize(points: readonly ValidationPoint[]): ValidationSummary[] {
  const families = new Map<string, ValidationPoint[]>();
  for (const point of points) families.set(point.family, [...(families.get(point.family) ?? []), point]);
  return [...families].map(([family, members]) => {
    const errors = members.map((point) => Math.abs(errorOf(point))).sort((a, b) => a - b);
    return {
      family,
      points: members.length,
      medianError: errors[Math.floor(errors.length / 2)]!,
      coverage: members.filter(isInBand).length / members.length,
    };
  });
}
