import { cpus } from "node:os";
import { benchAllReduce } from "./all-reduce.ts";
import { benchMoments } from "./moments.ts";
import { benchNetwork } from "./network.ts";

// Absolute figures are of this machine and this moment; compare ratios, or runs side by side.
console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, Node ${process.version}\n`);
await benchMoments();
await benchAllReduce();
benchNetwork();
