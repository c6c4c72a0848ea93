import { expect, test } from "vitest";
import { expectClose } from "./support/close.ts";
import { runBatches } from "./support/run-batches.ts";
import { wave } from "./support/wave.ts";

// Table test 59: decoding one token at a time. The batch is 9 tokens, of which the fifth is decoded alone.
const channels = 5;
const at = 4 * channels;
const tokens = wave(9 * channels, 3);
const token = tokens.slice(at, at + channels);
const bias = [0.5, 0, -1, 2, 3];

const run = async (x: readonly number[], normalizers: Parameters<typeof runBatches>[1]) => {
  const kept = await runBatches({ channels, x: [x] }, normalizers, ({ y }) => [...y]);
  return (name: string): number[] => kept[name]![0]!;
};

test("LayerNorm and RMSNorm give a token alone the bits it has in any batch", async () => {
  const normalizers = [
    { name: "LN", type: "layer-norm", bias },
    { name: "RMS", type: "rms-norm", bias },
  ];
  const [batch, alone] = [await run(tokens, normalizers), await run(token, normalizers)];
  for (const { name } of normalizers) expect(alone(name)).toEqual(batch(name).slice(at, at + channels));
});

test("BatchNorm in training gives its bias, whatever the token", async () => {
  const normalizers = [{ name: "BN", type: "batch-norm", bias }];
  expect((await run(token, normalizers))("BN")).toEqual(bias);
  expect((await run(tokens, normalizers))("BN").slice(at, at + channels)).not.toEqual(bias);
});

test("BatchNorm in evaluation does not see the batch", async () => {
  // Batch renorm without bounds is evaluation (table test 32), here with a running mean of 0 and variance of 1.
  const epsilon = 0.25;
  const normalizers = [{ name: "eval", type: "batch-renorm", rMax: 1e9, dMax: 1e9, epsilon, bias }];
  const [batch, alone] = [await run(tokens, normalizers), await run(token, normalizers)];
  const want = token.map((x, c) => x / Math.sqrt(1 + epsilon) + bias[c]!);
  // x̂ comes back through r and d: a few roundings of values of order 4.
  expectClose(alone("eval"), want, 0, 1e-14);
  expectClose(batch("eval").slice(at, at + channels), want, 0, 1e-14);
});
