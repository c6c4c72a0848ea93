// A worker thread of simulated GPUs, loaded by URL from src/node/piscina-host.ts.
export { serveRanks as default } from "../src/node/rank-worker.ts";
