import type { RandomStream } from "../../scenario/random.ts";
import type { Layer } from "../layer.ts";
import { createActivation, type LayerContext } from "../layer-context.ts";
import { type Sequences, validTokens } from "../sequences.ts";

/**
 * The first layer of a transformer: a learned vector of each token plus one of its position,
 * [tokens, width]; 0 at padding. Both drawn from N(0, 1), as PyTorch's Embedding.
 *
 * Gradients sum over the valid tokens in memory order, in float64, rounded once.
 */
export function embedding(context: LayerContext, sequences: Sequences, width: number): Layer {
  const { samples, positions, vocabulary, tokens } = sequences;
  const output = createActivation(context, samples * positions, width);
  const ofToken = context.parameter("embedding.token", vocabulary * width, drawNormal);
  const ofPosition = context.parameter("embedding.position", positions * width, drawNormal);
  const visit = (body: (start: number, token: number, position: number) => void): void => {
    for (let n = 0; n < samples; n++)
      for (const t of validTokens(sequences, n)) body(t * width, tokens[t]! * width, (t % positions) * width);
  };
  return {
    parameters: [ofToken, ofPosition],
    output,
    *forward() {
      output.values.fill(0);
      visit((start, token, position) => {
        for (let f = 0; f < width; f++)
          output.values[start + f] = ofToken.values[token + f]! + ofPosition.values[position + f]!;
      });
    },
    *backward() {
      const dToken = new Float64Array(ofToken.values.length);
      const dPosition = new Float64Array(ofPosition.values.length);
      visit((start, token, position) => {
        for (let f = 0; f < width; f++) {
          dToken[token + f]! += output.gradients![start + f]!;
          dPosition[position + f]! += output.gradients![start + f]!;
        }
      });
      ofToken.gradients.set(dToken);
      ofPosition.gradients.set(dPosition);
    },
  };
}

const drawNormal = (stream: RandomStream): number => stream.normal();
