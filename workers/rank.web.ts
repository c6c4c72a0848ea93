// A Web Worker of simulated GPUs, loaded by URL from src/web/worker-host.ts.
import { serveRanks } from "../src/web/rank-service.ts";

serveRanks();
