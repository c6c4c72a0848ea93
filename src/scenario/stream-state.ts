/** What a random stream is for. Streams of different keys have nothing to do with each other. */
export interface StreamKey {
  readonly seed: number;
  /** `all`: every rank reads the same numbers. */
  readonly rank: number | "all";
  /** `all`: every training step reads the same numbers. */
  readonly trainingStep: number | "all";
  /** What is drawn, in ASCII words. */
  readonly purpose: string;
}

/** The four 32-bit words of a generator's state, not all zero. */
export type StreamState = readonly [number, number, number, number];

/** Where a stream starts: FNV-1a of the key, spread by SplitMix64. The world's size is no part of it. */
export function streamState({ seed, rank, trainingStep, purpose }: StreamKey): StreamState {
  const [first, second] = splitMix64(fnv1a64(`${seed} ${rank} ${trainingStep} ${purpose}`), 2);
  const words = [first!, first! >> 32n, second!, second! >> 32n];
  return words.map((word) => Number(BigInt.asUintN(32, word))) as unknown as StreamState;
}

/**
 * FNV-1a hash, 64 bits, of a text's character codes.
 *
 * @see Fowler, Noll, Vo, IETF draft-eastlake-fnv
 */
export function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash;
}

/**
 * The first outputs of SplitMix64, 64 bits each. No two in a row are equal, so they seed xoshiro.
 *
 * @see Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators
 */
export function splitMix64(seed: bigint, count: number): bigint[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let mixed = state;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return mixed ^ (mixed >> 31n);
  });
}
