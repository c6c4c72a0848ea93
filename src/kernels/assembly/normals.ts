// Standard normals, bit for bit as RandomStream.normal of src/scenario/random.ts draws them, with the logarithm of
// src/scenario/elementary-functions.ts: every operation in the same order.

/** Natural logarithm of 0 < x < 1. */
// @ts-ignore: decorator
@inline
function log(x: f64): f64 {
  let exponent: f64 = 0;
  let mantissa = x;
  for (; mantissa < 0.7071067811865476; exponent--) mantissa *= 2;
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  const w = square * square;
  const even = 1 + w * (1.0 / 5 + w * (1.0 / 9 + w * (1.0 / 13 + w * (1.0 / 17 + w * (1.0 / 21)))));
  const odd = 1.0 / 3 + w * (1.0 / 7 + w * (1.0 / 11 + w * (1.0 / 15 + w * (1.0 / 19 + w * (1.0 / 23)))));
  return exponent * 0.6931471803691238 + (exponent * 1.9082149292705877e-10 + 2 * s * (even + square * odd));
}

/**
 * out[i] = mean + std · (level + own · z), stored as a float32 or float64.
 *
 * @param state the generator's four words; the spare normal of the last pair, a float64; whether there is one. All are
 * worked on in local variables, which is six times as fast.
 */
// @ts-ignore: decorator
@inline
function fill<T>(state: usize, out: usize, count: i32, mean: f64, std: f64, level: f64, own: f64): void {
  let s0 = load<u32>(state);
  let s1 = load<u32>(state, 4);
  let s2 = load<u32>(state, 8);
  let s3 = load<u32>(state, 12);
  let spare = load<f64>(state, 16);
  let hasSpare = load<i32>(state, 24);
  const end = out + <usize>count * sizeof<T>();
  for (; out < end; out += sizeof<T>()) {
    let z = spare;
    if (!hasSpare) {
      let square: f64 = 0;
      do {
        for (let half = 0; half < 2; half++) {
          let uniform: f64 = 0;
          for (let word = 0; word < 2; word++) {
            const bits = rotl<u32>(s1 * 5, 7) * 9;
            uniform = word == 0 ? <f64>(bits >> 5) * 67108864 : uniform + <f64>(bits >> 6);
            const shifted = s1 << 9;
            s2 ^= s0;
            s3 ^= s1;
            s1 ^= s2;
            s0 ^= s3;
            s2 ^= shifted;
            s3 = rotl<u32>(s3, 11);
          }
          z = spare;
          spare = 2 * (uniform / 9007199254740992) - 1;
        }
        square = z * z + spare * spare;
      } while (square >= 1 || square == 0);
      const factor = Math.sqrt((-2 * log(square)) / square);
      z *= factor;
      spare *= factor;
    }
    hasSpare = 1 - hasSpare;
    store<T>(out, <T>(mean + std * (level + own * z)));
  }
  store<u32>(state, s0);
  store<u32>(state, s1, 4);
  store<u32>(state, s2, 8);
  store<u32>(state, s3, 12);
  store<f64>(state, spare, 16);
  store<i32>(state, hasSpare, 24);
}

export function fillNormals32(state: usize, out: usize, count: i32, mean: f64, std: f64, level: f64, own: f64): void {
  fill<f32>(state, out, count, mean, std, level, own);
}

export function fillNormals64(state: usize, out: usize, count: i32, mean: f64, std: f64, level: f64, own: f64): void {
  fill<f64>(state, out, count, mean, std, level, own);
}
