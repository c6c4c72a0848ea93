import { assert } from "../assert.ts";
import { exp, expm1, log, log1p } from "../scenario/elementary-functions.ts";
import { logGammaHalfStep } from "./gamma-functions.ts";

// Steps of the trapezoidal rules, in the substitutions named below, under which they converge
// geometrically: halving both changes no result by more than 1e-9.
const stdStep = 0.4;
const decayStep = 0.0625;

/**
 * E of the cosine between dx normalised in groups and dx normalised as one, over the values of one
 * channel in every group, for i.i.d. Gaussian x, i.i.d. Gaussian dy independent of x, and epsilon 0.
 * `counts`: values in each of R groups, at least 1. Null if a group has fewer than 3: no gradient
 * passes it. Exact; a number found by quadrature, as there is no closed form.
 *
 * dx of a group is dy projected off 1 and x (length² q ~ χ² with n−2 degrees), times w = 1/√v; dx
 * of all is dy projected off 1 and x once, which keeps Q = Σ q + χ²(2R−2). So
 * cosine = √(Σ q/Q) · T, T = Σ q·w / √(Σ q · Σ q·w²), and as q/Σ q does not depend on Σ q, the
 * expectation is the product of the two factors' own.
 */
export function expectedGradientCosine(counts: readonly number[]): number | null {
  assert(counts.length > 0, "an expectation needs a group, got none");
  if (counts.length === 1) return 1;
  if (counts.some((n) => n < 3)) return null;
  let degrees = 0;
  for (const n of counts) degrees += n - 2;
  // E T = E[Σ q·w / √(Σ q·w²)] / E √(Σ q), and Q has d degrees:
  // E √(Σ q/Q) / E √(Σ q) = Γ(d/2) / (√2 Γ((d+1)/2)).
  const d = degrees + 2 * (counts.length - 1);
  return weightedRatio(counts, degrees) / (Math.sqrt(d) * exp(logGammaHalfStep(d / 2)));
}

/**
 * E[Σ q·w / √(Σ q·w²)] = (2/√π) ∫ E[Σ q·w · exp(−τ² Σ q·w²)] dτ for τ > 0, from
 * 1/√y = (2/√π) ∫ exp(−τ² y) dτ. The expectation factors over groups. Double exponential rule:
 * τ = exp(π/2 · sinh(s)) / √degrees.
 *
 * @see Takahasi, Mori (1974), Double exponential formulas for numerical integration
 */
function weightedRatio(counts: readonly number[], degrees: number): number {
  const groups = new Map<number, { repeats: number; readonly nodes: readonly Node[] }>();
  for (const n of counts) {
    const group = groups.get(n);
    if (group === undefined) groups.set(n, { repeats: 1, nodes: stdNodes(n) });
    else group.repeats++;
  }
  let sum = 0;
  for (let s = -4; s < 4; s += decayStep) {
    const tau = exp((Math.PI / 2) * sinh(s));
    let logDecay = 0;
    let slope = 0;
    for (const [n, { repeats, nodes }] of groups) {
      const { decay, moment } = transform(n, nodes, (tau * tau) / degrees);
      logDecay += decay > 0 ? repeats * log(decay) : Number.NEGATIVE_INFINITY;
      slope += (repeats * moment) / decay;
    }
    const term = exp(logDecay) * slope * tau * cosh(s);
    sum += term;
    if (s > 0 && term < 1e-16 * sum) break;
  }
  return (decayStep * Math.sqrt(Math.PI) * sum) / Math.sqrt(degrees);
}

/** One value of w² = 1/v and its probability. */
interface Node {
  readonly square: number;
  readonly probability: number;
}

/** w² = n/(2g), g ~ Gamma(k), k = (n−1)/2, on a grid of ln(g/k). */
function stdNodes(n: number): Node[] {
  const k = (n - 1) / 2;
  const width = 1 / Math.sqrt(k);
  const nodes: { square: number; probability: number }[] = [];
  let sum = 0;
  for (let u = -(9 * width + 54 / k); u < 9 * width; u += stdStep * width) {
    const probability = exp(k * (u - expm1(u)));
    sum += probability;
    nodes.push({ square: n / (2 * k * exp(u)), probability });
  }
  for (const node of nodes) node.probability /= sum;
  return nodes.filter((node) => node.probability > 0);
}

/** E exp(−t·q·w²) and E[q·w·exp(−t·q·w²)] of one group, q ~ χ²(n−2) integrated out. */
function transform(n: number, nodes: readonly Node[], t: number): { decay: number; moment: number } {
  let decay = 0;
  let moment = 0;
  for (const { square, probability } of nodes) {
    const power = probability * exp((-(n - 2) / 2) * log1p(2 * t * square));
    decay += power;
    moment += (power * (n - 2) * Math.sqrt(square)) / (1 + 2 * t * square);
  }
  return { decay, moment };
}

function sinh(s: number): number {
  const e = expm1(s);
  return (e + e / (e + 1)) / 2;
}

function cosh(s: number): number {
  return (exp(s) + exp(-s)) / 2;
}
