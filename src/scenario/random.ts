import { assert } from "../assert.ts";
import type { FloatArray, NormalDraws, NormalSource } from "../kernels/kernels.ts";
import { exp, log } from "./elementary-functions.ts";
import { type StreamKey, type StreamState, streamState } from "./stream-state.ts";

/** The stream of a key, at its start. */
export function createRandomStream(key: StreamKey): RandomStream {
  return new RandomStream(streamState(key));
}

/** The reference of kernels that draw the same bits. */
export const drawNormals: NormalSource = (state) => new RandomStream(state);

/**
 * Random numbers by xoshiro128**, the same on every host.
 *
 * @see Blackman, Vigna (2021), Scrambled linear pseudorandom number generators
 */
export class RandomStream implements NormalDraws {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  /** The polar method makes normals in pairs: the second one, if it is still to be given out. */
  #spare: number | undefined;

  constructor(state: StreamState) {
    assert(
      state.some((word) => word !== 0),
      "the all-zero state makes only zeros",
    );
    [this.#s0, this.#s1, this.#s2, this.#s3] = state;
  }

  /** 32 random bits, as a whole number in [0, 2^32). */
  bits(): number {
    const five = Math.imul(this.#s1, 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result;
  }

  /** Uniform in [0, 1), 53 random bits from two draws, the high ones first. */
  uniform(): number {
    const high = this.bits() >>> 5;
    return (high * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** A whole number, uniform in [minimum, maximum]; uneven by less than (maximum − minimum + 1)/2^53. */
  integer(minimum: number, maximum: number): number {
    assert(minimum <= maximum, `no whole number from ${minimum} to ${maximum}`);
    return minimum + Math.floor(this.uniform() * (maximum - minimum + 1));
  }

  /**
   * Standard normal.
   *
   * @see Marsaglia, Bray (1964), A convenient method for generating normal variables
   */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    let u: number;
    let v: number;
    let square: number;
    do {
      u = 2 * this.uniform() - 1;
      v = 2 * this.uniform() - 1;
      square = u * u + v * v;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * log(square)) / square);
    this.#spare = v * factor;
    return u * factor;
  }

  fill(out: FloatArray, mean: number, std: number, level: number, own: number): void {
    for (let i = 0; i < out.length; i++) out[i] = mean + std * (level + own * this.normal());
  }

  /** Gamma with scale 1: mean and variance are `shape`. Underflows to 0 for small shapes: see `logGamma`. */
  gamma(shape: number): number {
    return shape >= 1 ? this.#gammaAboveOne(shape) : exp(this.logGamma(shape));
  }

  /** The logarithm of a `gamma` draw; finite down to shapes of 1e-300. */
  logGamma(shape: number): number {
    assert(shape > 0, `gamma of shape ${shape}`);
    if (shape >= 1) return log(this.#gammaAboveOne(shape));
    return log(this.#gammaAboveOne(shape + 1)) + log(1 - this.uniform()) / shape;
  }

  /**
   * Shapes of at least 1.
   *
   * @see Marsaglia, Tsang (2000), A simple method for generating gamma variables
   */
  #gammaAboveOne(shape: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const root = 1 + c * x;
      if (root <= 0) continue;
      const v = root * root * root;
      const u = 1 - this.uniform();
      // Implies the exact condition, and nearly always decides without a logarithm.
      if (u < 1 - 0.0331 * (x * x) * (x * x)) return d * v;
      if (log(u) < 0.5 * x * x + d * (1 - v + log(v))) return d * v;
    }
  }
}
