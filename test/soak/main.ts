import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import { judge } from "./judge.ts";
import { killingSweeps } from "./killing-sweeps.ts";

// npm run soak -- --runs N --seed S [--sweeps N]: random scenarios with random faults, then sweeps whose workers are killed.

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
    sweeps: { type: "string", default: "0" },
  },
});
const [runs, seed, sweeps] = [values.runs, values.seed, values.sweeps].map(Number) as [
  number,
  number,
  number,
];

const begun = performance.now();
let shown = begun;
const show = (text: string): void => {
  if (performance.now() - shown < 10_000) return;
  shown = performance.now();
  process.stderr.write(`${text}\n`);
};
try {
  const tally = await campaign(runs, seed, judge, (done) => show(`${done} of ${runs} runs`));
  const swept = await killingSweeps(sweeps, seed);
  const seconds = Math.round((performance.now() - begun) / 1000);
  process.stdout.write(`${JSON.stringify({ seed, ...tally, ...swept, seconds }, null, 2)}\n`);
} catch (error) {
  const { message, cause } = error as Error;
  process.stderr.write(`${message}\n${cause instanceof Error ? cause.stack : ""}\n`);
  process.exit(1);
}
