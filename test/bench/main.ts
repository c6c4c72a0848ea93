import { benchAllReduce } from "./all-reduce.ts";
import { printMachine, saveFigures } from "./figures.ts";
import { benchMoments } from "./moments.ts";
import { benchNetwork } from "./network.ts";

// Absolute figures are of this machine and this moment; compare ratios, or runs side by side.
printMachine();
saveFigures("bench", [...(await benchMoments()), ...(await benchAllReduce()), ...benchNetwork()]);
