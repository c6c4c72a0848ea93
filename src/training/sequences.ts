/** Token sequences of one rank's microbatch, padded to one length. */
export interface Sequences {
  readonly samples: number;
  /** Padded length. */
  readonly positions: number;
  readonly vocabulary: number;
  /** [samples, positions]; below `vocabulary`. */
  readonly tokens: Uint8Array;
  /** [samples, positions], 1 is valid. */
  readonly mask: Uint8Array;
}

/** Indices of a sequence's valid tokens in an array of all tokens, ascending. */
export function validTokens({ positions, mask }: Sequences, sample: number): number[] {
  const valid: number[] = [];
  for (let t = sample * positions; t < (sample + 1) * positions; t++) if (mask[t] === 1) valid.push(t);
  return valid;
}
