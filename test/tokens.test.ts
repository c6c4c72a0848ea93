import { describe, expect, test } from "vitest";
import { fillMicrobatch } from "../src/scenario/synthetic.ts";
import { drawSequence, drawSequenceIndices, marker } from "../src/scenario/tokens.ts";
import type { TokensSource } from "../src/scenario/training.ts";
import { faultsOf } from "./support/scenario-text.ts";

// Oracle: what the source promises of its sequences, counted; faults by hand.

const source: TokensSource = {
  source: "tokens",
  samples: [4, 0, 3, 5],
  channels: 5,
  positions: [9],
  minLength: 2,
  maxLength: 9,
  trainingSamples: 100,
  lengths: "shuffled",
  masked: true,
};
const sequencesOf = (indices: readonly number[]) =>
  indices.map((index) => drawSequence(source, 7, "training", index));
const everyPeriod = Array.from({ length: 4 * 8 * 20 }, (_, index) => index);

/** How often each value occurs, in ascending order of the values. */
function counts(values: readonly number[]): number[] {
  const found = new Map<number, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return [...found].sort(([a], [b]) => a - b).map(([, count]) => count);
}

describe("a sequence of tokens", () => {
  const sequences = sequencesOf(everyPeriod);

  test("has one marker, not at its end, and behind it the symbol of its class", () => {
    for (const { tokens, label } of sequences) {
      expect(tokens.filter((token) => token === marker)).toHaveLength(1);
      expect(tokens[tokens.indexOf(marker) + 1]).toBe(label + 1);
      expect(Math.max(...tokens)).toBeLessThan(source.channels);
    }
  });

  test("is of every class and of every length equally often", () => {
    expect(counts(sequences.map(({ label }) => label))).toEqual(Array(4).fill(160));
    expect(counts(sequences.map(({ tokens }) => tokens.length))).toEqual(Array(8).fill(80));
  });

  test("has its marker anywhere: the label is not told by what stands at one place", () => {
    const long = sequences.filter(({ tokens }) => tokens.length === 9);
    expect(counts(long.map(({ tokens }) => tokens.indexOf(marker)))).toHaveLength(8);
  });
});

describe("the sequences that ranks draw", () => {
  const draw = (own: TokensSource, rank: number): number[] => drawSequenceIndices(own, 7, rank, 3);

  test("shuffled are one batch, however many ranks hold it", () => {
    const alone = draw({ ...source, samples: [12] }, 0);
    expect([0, 1, 2, 3].flatMap((rank) => draw(source, rank))).toEqual(alone);
    expect(Math.max(...alone)).toBeLessThan(100);
  });

  test("bucketed have the lengths of their rank's share, all of them", () => {
    const bucketed: TokensSource = { ...source, lengths: "bucketed", samples: Array(4).fill(400) };
    for (const rank of [0, 1, 2, 3]) {
      const indices = draw(bucketed, rank);
      const lengths = sequencesOf(indices).map(({ tokens }) => tokens.length);
      expect([...new Set(lengths)].sort()).toEqual([2 + 2 * rank, 3 + 2 * rank]);
      expect(Math.max(...indices)).toBeLessThan(100);
    }
  });
});

test("as activations, every symbol is a channel, and padding is 0 in x, dy and the mask", () => {
  const [samples, channels, positions] = [4, 5, 9];
  const elements = samples * channels * positions;
  const [x, dy] = [new Float64Array(elements).fill(7), new Float64Array(elements)];
  const mask = new Uint8Array(samples * positions).fill(7);
  fillMicrobatch(source, 7, 0, 3, { samples, channels, positions, x, dy, mask });
  const sequences = sequencesOf(drawSequenceIndices(source, 7, 0, 3));
  for (const [n, { tokens }] of sequences.entries()) {
    for (let l = 0; l < positions; l++) {
      expect(mask[n * positions + l]).toBe(l < tokens.length ? 1 : 0);
      for (let c = 0; c < channels; c++) {
        const at = (n * channels + c) * positions + l;
        expect(x[at]).toBe(tokens[l] === c ? 1 : 0);
        expect(dy[at] === 0).toBe(l >= tokens.length);
      }
    }
  }
});

describe("what does not go together is refused", () => {
  const faultsWith = (data: string, training: string): string[] =>
    faultsOf(
      [
        "name: tokens",
        "mesh: { data: 2 }",
        `data: { samples: 2, ${data} }`,
        "normalizers: [{ type: layer-norm }]",
        `training: { steps: 1, optimizer: { type: adam }, network: ${training} }`,
      ].join("\n"),
    );
  const mlp = "{ kind: mlp, hidden: [4] }";
  const transformer = (heads: number): string =>
    `{ kind: transformer, blocks: 1, width: 6, heads: ${heads}, feedForward: 4 }`;
  const rows: [string, string, string, ...string[]][] = [
    ["nothing", "source: tokens, positions: 4", transformer(3)],
    [
      "an mlp on tokens",
      "source: tokens, positions: 4",
      mlp,
      "3:29: data.source: expected images, whose labels the mlp learns, got tokens",
    ],
    [
      "a transformer on images",
      "source: images",
      transformer(2),
      "3:29: data.source: expected tokens, whose labels the transformer learns, got images",
    ],
    [
      "heads that do not divide the width",
      "source: tokens, positions: 4",
      transformer(4),
      "5:108: training.network.heads: expected a divisor of the 6 features, got 4",
    ],
    [
      "sequences without room for a marker and a symbol",
      "source: tokens, positions: 4, minLength: 1",
      transformer(1),
      "3:62: data.minLength: expected at least 2, got 1",
    ],
    [
      "buckets of lengths that the training set lacks",
      "source: tokens, positions: 4, lengths: bucketed, trainingSamples: 11",
      transformer(1),
      "3:87: data.trainingSamples: expected at least 12, one of each class and length, got 11",
    ],
  ];

  for (const [title, data, network, ...faults] of rows) {
    test(title, () => expect(faultsWith(data, network)).toEqual(faults));
  }
});
