import { describe, test } from "vitest";
import { expectClose } from "./support/close.ts";
import { runBatches } from "./support/run-batches.ts";
import { wave } from "./support/wave.ts";

// Table test 54: odd numbers of channels, and channels first or last in memory. Apex issue 1768 and PyTorch issues
// 62967 and 64039 were wrong outputs and gradients of the latter. Oracle: invariant. Statistics of a channel do
// not depend on where its values lie, but for the order of sums of at most 42 values of order 3.
const tolerance = 1e-12;
const samples = [3, 4];
const positions = 6;

const normalizers = [
  { name: "local", type: "batch-norm", group: "rank", epsilon: 1e-3 },
  { name: "SyncBN", type: "batch-norm", group: "world" },
  { name: "renorm", type: "batch-renorm", group: "world" },
  { name: "PowerNorm", type: "power-norm", group: "world" },
  { name: "MABN", type: "mabn", group: "world", window: 2 },
  { name: "LN", type: "layer-norm" },
  { name: "RMS", type: "rms-norm" },
];

for (const channels of [1, 3, 65]) {
  describe(`${channels} channels`, () => {
    // [N, C, L] to [N·L, C]: the memory of [N, L, C], every token a sample of its own.
    const channelsLast = (values: readonly number[]): number[] =>
      values.map((_, to) => {
        const [token, channel] = [Math.floor(to / channels), to % channels];
        const sample = Math.floor(token / positions);
        return values[(sample * channels + channel) * positions + (token % positions)]!;
      });

    test("normalise alike before and after the positions", async () => {
      const x = samples.map((count, rank) => wave(count * channels * positions, rank + 1));
      const dy = samples.map((count, rank) => wave(count * channels * positions, rank + 7));
      const keep = ({ y, dx, dWeight, dBias }: Parameters<Parameters<typeof runBatches>[2]>[0]) => {
        return { y: [...y], dx: [...dx], dWeight: [...dWeight], dBias: [...dBias] };
      };
      const first = await runBatches({ channels, positions, x, dy }, normalizers, keep);
      const last = await runBatches(
        { channels, x: x.map(channelsLast), dy: dy.map(channelsLast) },
        normalizers,
        keep,
      );
      for (const { name } of normalizers)
        for (const [rank, got] of last[name]!.entries()) {
          const want = first[name]![rank]!;
          expectClose(got.y, channelsLast(want.y), 0, tolerance, `${name}, y`);
          // LayerNorm of one channel divides by √ε: its dx is 0, within 316 roundings.
          expectClose(got.dx, channelsLast(want.dx), 0, tolerance, `${name}, dx`);
          expectClose(got.dWeight, want.dWeight, 0, 10 * tolerance, `${name}, dWeight`);
          expectClose(got.dBias, want.dBias, 0, 10 * tolerance, `${name}, dBias`);
        }
    });
  });
}
