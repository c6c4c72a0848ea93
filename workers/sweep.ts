// A worker thread that runs points of a sweep, loaded by URL from src/node/sweep/point-pool.ts.
import { servePoints } from "../src/node/sweep/point-thread.ts";

servePoints();
