// The Web Worker that runs the page's scenarios, loaded by URL from src/web/session-worker.ts.
import { serveSession } from "../src/web/session.ts";

serveSession();
