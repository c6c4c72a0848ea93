/** What happened to one rank's numbers in training steps; counts, which add up over layers and steps. */
export interface NumericEvents {
  /** Of y, and of dx: those of valid tokens. */
  elements: number;
  /** Elements of y that are NaN or infinite. */
  nonFiniteOutputs: number;
  /** The same of dx. */
  nonFiniteGradients: number;
  /** Variances that rounding had made negative, of the rank's own values. */
  ownClamps: number;
  /** The same of merged statistics, which every rank of a group has. */
  mergedClamps: number;
  /** Finite numbers that the wire's format made infinite. */
  overflows: number;
  /** See SpreadlessSets. */
  constantSets: number;
  singleValueGroups: number;
}

export function noEvents(): NumericEvents {
  return {
    elements: 0,
    nonFiniteOutputs: 0,
    nonFiniteGradients: 0,
    ownClamps: 0,
    mergedClamps: 0,
    overflows: 0,
    constantSets: 0,
    singleValueGroups: 0,
  };
}

/** Add to the events of before; what is not named did not happen. */
export function addEvents(sum: NumericEvents, added: Readonly<Partial<NumericEvents>>): void {
  for (const event of Object.keys(added) as (keyof NumericEvents)[]) sum[event] += added[event] ?? 0;
}
