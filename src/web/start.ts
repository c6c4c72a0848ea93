import { startSessionWorker } from "./session-worker.ts";

// The worker before all else: its first result takes longer than all that the page itself has to load and draw.
const session = startSessionWorker();
void import("./main.tsx").then(({ showPage }) => showPage(session));
