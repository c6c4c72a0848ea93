import { assert } from "../assert.ts";

// Math.log and Math.exp differ in the last bits between JavaScript engines (Node 20 and Chromium 140 do). These use
// only + − × ÷, which may not, so that a scenario makes the same report on every host.

// ln 2 in two parts; the high one has 21 trailing zero bits, so that a small integer times it is exact.
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;
const ln2 = ln2High + ln2Low;

/**
 * Natural logarithm, the same bits on every engine; within a few units in the last place.
 *
 * ln x = e ln 2 + 2 atanh((m − 1)/(m + 1)), x = m 2^e, √½ <= m <= √2.
 *
 * @throws AssertionError unless 0 < x < infinity.
 */
export function log(x: number): number {
  // Not assert(): its message would be built on every call.
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) assert(false, `log of ${x}`);
  let exponent = 0;
  let mantissa = x;
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  for (; mantissa > Math.SQRT2; exponent++) mantissa /= 2;
  const s = (mantissa - 1) / (mantissa + 1);
  // atanh(s)/s = 1 + s²/3 + s⁴/5 + ...; every other term apart, so that two can be computed at once.
  const square = s * s;
  const w = square * square;
  const even = 1 + w * (1 / 5 + w * (1 / 9 + w * (1 / 13 + w * (1 / 17 + w * (1 / 21)))));
  const odd = 1 / 3 + w * (1 / 7 + w * (1 / 11 + w * (1 / 15 + w * (1 / 19 + w * (1 / 23)))));
  return exponent * ln2High + (exponent * ln2Low + 2 * s * (even + square * odd));
}

/**
 * Cosine on [0, π], the same bits on every engine; within a few units of 1e-16.
 *
 * cos x = 1 − 2 sin²(x/2); the Taylor series of the sine.
 */
export function cosine(x: number): number {
  if (!(x >= 0 && x <= Math.PI)) assert(false, `cosine of ${x}`);
  const half = x / 2;
  const square = half * half;
  let sine = 1;
  for (let n = 25; n >= 3; n -= 2) sine = 1 - (sine * square) / (n * (n - 1));
  sine *= half;
  return 1 - 2 * sine * sine;
}

// Beyond these, e^x rounds to 0 and to infinity.
const expMinimum = -746;
const expMaximum = 710;
/** Powers of two are taken that many at a time. */
const leap = 32;
const leapFactor = 4294967296;

/**
 * Exponential function, the same bits on every engine; within a few units in the last place where
 * the result is a normal number. 0 and infinity beyond the range of float64.
 *
 * e^x = 2^k e^r, |r| <= ln 2 / 2; the Taylor series of e^r.
 */
export function exp(x: number): number {
  if (x < expMinimum) return 0;
  if (x > expMaximum) return Number.POSITIVE_INFINITY;
  const exponent = Math.round(x / ln2);
  const r = x - exponent * ln2High - exponent * ln2Low;
  let result = 1;
  for (let n = 15; n >= 1; n--) result = 1 + (result * r) / n;
  let k = exponent;
  for (; k <= -leap; k += leap) result /= leapFactor;
  for (; k >= leap; k -= leap) result *= leapFactor;
  for (; k > 0; k--) result *= 2;
  for (; k < 0; k++) result /= 2;
  return result;
}

/**
 * ln(1 + x) for x > −1, within a few units in the last place also where x is small.
 *
 * @see Kahan's correction of ln(u), u = 1 + x rounded, in Goldberg (1991), What every computer scientist should
 * know about floating-point arithmetic, theorem 4
 */
export function log1p(x: number): number {
  const u = 1 + x;
  return u === 1 ? x : (log(u) * x) / (u - 1);
}

/**
 * e^x − 1, within a few units in the last place also where x is small.
 *
 * @see Higham (2002), Accuracy and stability of numerical algorithms, 1.14.1
 */
export function expm1(x: number): number {
  const u = exp(x);
  if (u === 1) return x;
  if (u === 0 || u - 1 === -1 || u === Number.POSITIVE_INFINITY) return u - 1;
  return ((u - 1) * x) / log(u);
}
