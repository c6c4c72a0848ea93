/** The worker of a session, and how it may end. */
export interface SessionWorker {
  readonly worker: Worker;
  /** Settles when it has ended by itself, with how. */
  readonly ended: Promise<string>;
}

/** Start the worker that runs the page's scenarios. */
export function startSessionWorker(): SessionWorker {
  const worker = new Worker(new URL("../../workers/session.web.ts", import.meta.url), { type: "module" });
  const ended = new Promise<string>((resolve) => {
    worker.onerror = (event) => {
      event.preventDefault();
      resolve(`the page's worker ended: ${event.message}`);
    };
  });
  return { worker, ended };
}
