import { setFlagsFromString } from "node:v8";
import { type Figure, printMachine, saveFigures } from "../figures.ts";
import { allReduceContests } from "./all-reduce-contests.ts";
import { hold } from "./contest.ts";
import { layerContests } from "./layer-contests.ts";
import { momentsContests } from "./moments-contests.ts";
import { networkContests } from "./network-contests.ts";
import { sourceOf, startCPeer, startPeer } from "./peer-process.ts";

// Kernels as they are once V8 has optimised them, which on a busy machine can take most of a contest.
setFlagsFromString("--no-liftoff");
// Times are of this machine and this moment; what they say is in the ratios.
printMachine();
const c = startCPeer("moments.c");
const pytorch = startPeer("/usr/bin/python3", [sourceOf("layers.py")], {
  OMP_NUM_THREADS: "1",
  // Otherwise every output is memory fresh from the system, and PyTorch's times are those of page faults.
  MALLOC_MMAP_THRESHOLD_: String(2 ** 30),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 40),
});
const figures: Figure[] = [];
for await (const contest of momentsContests(c)) figures.push(await hold(contest));
for await (const contest of layerContests(pytorch)) figures.push(await hold(contest));
await Promise.all([c.close(), pytorch.close()]);
for await (const contest of allReduceContests()) figures.push(await hold(contest));
for await (const contest of networkContests()) figures.push(await hold(contest));
saveFigures("peers", figures);
