import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { campaign } from "./soak/campaign.ts";
import { drawsOf, drawTrial, type Trial } from "./soak/draw.ts";
import type { Ending } from "./soak/judge.ts";
import { command } from "./support/command.ts";

// Oracle: what each scenario was made to do. The report of a run is that of the same scenario without faults, or its RankError
// names a rank that has one. By hand: npm run soak -- --runs 3000 --seed 1 --sweeps 10

const program = fileURLToPath(new URL("../dist/test/soak/main.js", import.meta.url));
const runs = 300;
const seed = 4000;

test("random scenarios with random faults end with the right answer or the right culprit", async () => {
  const args = [program, "--runs", `${runs}`, "--seed", `${seed}`, "--sweeps", "0"];
  const { code, stdout, stderr } = await command(process.execPath, args);
  expect(code, stderr).toBe(0);
  const { endings, byFaults, onThreads, threadsLeft } = JSON.parse(stdout) as {
    readonly endings: Readonly<Record<string, number>>;
    readonly byFaults: Readonly<Record<string, number>>;
    readonly onThreads: number;
    readonly threadsLeft: number;
  };
  expect(endings["right answer"]! + endings["right culprit"]!).toBe(runs);
  for (const ending of Object.values(endings)) expect(ending).toBeGreaterThan(runs / 4);
  expect(onThreads).toBeGreaterThan(runs / 10);
  expect(threadsLeft).toBe(0);
  // Each kind is drawn; of those that take long, some.
  const kinds = Object.keys(byFaults).sort();
  expect(kinds).toEqual(
    [
      ...["none", "throw", "exit", "stall", "exhaust-memory", "slow", "late-start", "nan", "inf"],
      ...["wrong-order", "wrong-size", "wrong-group", "early-return", "dropped-message"],
    ].sort(),
  );
}, 600_000);

test("a trial that ends in another way stops the campaign, which names its seed and repeats it alone", async () => {
  const judged: Trial[] = [];
  const judgeThird = async (trial: Trial): Promise<Ending> => {
    // The first one is there to start threads.
    if (judged.push(trial) === 4) throw new Error("wrong");
    return "right answer";
  };
  await expect(campaign(10, seed, judgeThird, () => {})).rejects.toMatchObject({
    message: expect.stringMatching(new RegExp(`^seed ${seed + 2}: threads \\d, \\{"name":"trial"`)),
    cause: expect.objectContaining({ message: "wrong" }),
  });
  expect(await drawTrial(drawsOf(seed + 2))).toEqual(judged[3]);
});
