import { assert } from "../../assert.ts";
import type { FloatArray, Matrix } from "../../kernels/kernels.ts";
import { matrixOf, transpose } from "../../kernels/matrix.ts";
import { exp } from "../../scenario/elementary-functions.ts";
import type { Activation, Layer } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";
import type { Sequences } from "../sequences.ts";

/**
 * Scaled dot-product attention of every head, padding masked: queries, keys and values [tokens, 3·width]
 * → context [tokens, width] = P·V, P = softmax(Q·Kᵀ/√(width/heads)) over a sequence's valid keys. Head h has
 * the features h·width/heads and following of each of the three.
 *
 * A key that is padding has probability 0; a query that is padding has context 0. Backward, with
 * dP = dContext·Vᵀ: dScore = P (dP − Σ P dP), dQ = dScore·K/√, dK = dScoreᵀ·Q/√, dV = Pᵀ·dContext.
 *
 * @see Vaswani et al. (2017), arXiv 1706.03762, section 3.2
 */
export function attention(
  context: LayerContext,
  input: Activation,
  sequences: Sequences,
  heads: number,
): Layer {
  const { kernels } = context;
  const width = input.features / 3;
  assert(width % heads === 0, `${heads} heads do not divide ${width} features`);
  const output = createActivation(context, input.tokens, width);
  const all = headsOf(context, input, output, sequences, heads);
  const scale = Math.sqrt(heads / width);
  return {
    parameters: [],
    output,
    // biome-ignore lint/correctness/useYield: sequences lie on this rank, so it never waits for another.
    *forward() {
      for (const { mask, q, kAcross, v, p, result } of all) {
        kernels.multiply(q, kAcross, null, p);
        softmaxRows(p.values, mask, scale);
        kernels.multiply(p, v, null, result);
      }
    },
    // biome-ignore lint/correctness/useYield: sequences lie on this rank, so it never waits for another.
    *backward() {
      for (const { q, k, vAcross, dq, dk, dv, p, pAcross, dp, dpAcross, dResult } of all) {
        kernels.multiply(pAcross, dResult, null, dv);
        kernels.multiply(dResult, vAcross, null, dp);
        softmaxRowsBackward(p.values, dp.values, scale, sequences.positions);
        kernels.multiply(dp, k, null, dq);
        kernels.multiply(dpAcross, q, null, dk);
      }
    },
  };
}

/**
 * One head of one sequence: [positions, width/heads] parts of the layer's arrays, and [positions, positions] of
 * its own; `Across`: transposed.
 */
interface Head {
  /** Of the sequence. */
  readonly mask: Uint8Array;
  readonly q: Matrix;
  readonly k: Matrix;
  readonly kAcross: Matrix;
  readonly v: Matrix;
  readonly vAcross: Matrix;
  readonly dq: Matrix;
  readonly dk: Matrix;
  readonly dv: Matrix;
  readonly result: Matrix;
  readonly dResult: Matrix;
  /** Scores, then probabilities. */
  readonly p: Matrix;
  readonly pAcross: Matrix;
  /** Gradient by the probabilities, then by the scores; scratch that all heads share. */
  readonly dp: Matrix;
  readonly dpAcross: Matrix;
}

function headsOf(
  context: LayerContext,
  input: Activation,
  output: Activation,
  { samples, positions, mask }: Sequences,
  heads: number,
): Head[] {
  const features = output.features / heads;
  const square = (): Matrix => matrixOf(context.floats(positions * positions), positions, positions);
  const dp = square();
  return Array.from({ length: samples * heads }, (_, index) => {
    const sample = Math.floor(index / heads);
    const part = (array: FloatArray, rowStride: number, block: number): Matrix => {
      const first = sample * positions * rowStride + block * output.features + (index % heads) * features;
      return matrixOf(array.subarray(first), positions, features, rowStride);
    };
    const values = (block: number): Matrix => part(input.values, input.features, block);
    const gradients = (block: number): Matrix => part(input.gradients!, input.features, block);
    const p = square();
    return {
      mask: mask.subarray(sample * positions, (sample + 1) * positions),
      q: values(0),
      k: values(1),
      kAcross: transpose(values(1)),
      v: values(2),
      vAcross: transpose(values(2)),
      dq: gradients(0),
      dk: gradients(1),
      dv: gradients(2),
      result: part(output.values, output.features, 0),
      dResult: part(output.gradients!, output.features, 0),
      p,
      pAcross: transpose(p),
      dp,
      dpAcross: transpose(dp),
    };
  });
}

/** Rows of scores → of probabilities, in place: softmax of scale·score over valid columns; 0 where row or column is padding. */
function softmaxRows(rows: FloatArray, mask: Uint8Array, scale: number): void {
  const { length } = mask;
  for (let i = 0; i < length; i++) {
    const start = i * length;
    if (mask[i] === 0) {
      rows.fill(0, start, start + length);
      continue;
    }
    let most = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < length; j++) if (mask[j] === 1) most = Math.max(most, rows[start + j]!);
    let total = 0;
    for (let j = 0; j < length; j++) {
      const share = mask[j] === 1 ? exp(scale * (rows[start + j]! - most)) : 0;
      rows[start + j] = share;
      total += share;
    }
    for (let j = start; j < start + length; j++) rows[j] = rows[j]! / total;
  }
}

/** Rows of dP → of scale·dScore, in place. */
function softmaxRowsBackward(p: FloatArray, rows: FloatArray, scale: number, length: number): void {
  for (let start = 0; start < length * length; start += length) {
    let mean = 0;
    for (let j = start; j < start + length; j++) mean += p[j]! * rows[j]!;
    for (let j = start; j < start + length; j++) rows[j] = scale * p[j]! * (rows[j]! - mean);
  }
}
