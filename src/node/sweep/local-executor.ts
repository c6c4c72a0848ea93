import { batchesOf, type SweepFiles } from "./point-inputs.ts";
import type { PointRunner } from "./point-pool.ts";
import type { KeyedPoint } from "./sweep-points.ts";
import type { PointExecutor, ResultSink } from "./sweep-run.ts";

/** Runs points on this machine, in their order, as many at once as the runner has threads. */
export function localExecutor(runner: PointRunner, files: SweepFiles): PointExecutor {
  return async (points, sink, signal) => {
    const close = (): void => void runner.close();
    signal.addEventListener("abort", close, { once: true });
    const queue = points.values();
    try {
      const lanes = Array.from({ length: runner.threads }, async () => {
        for (const point of queue) {
          if (signal.aborted) return;
          await runOne(point, runner, files, sink, signal);
        }
      });
      await Promise.all(lanes);
    } finally {
      signal.removeEventListener("abort", close);
      await runner.close();
    }
  };
}

async function runOne(
  point: KeyedPoint,
  runner: PointRunner,
  files: SweepFiles,
  sink: ResultSink,
  signal: AbortSignal,
): Promise<void> {
  let report: string;
  try {
    const batches = batchesOf(point.scenario, (path) => files.bytes(path));
    report = await runner.run({ scenario: point.scenario, batches });
  } catch (error) {
    if (!signal.aborted) sink.failure(point, error instanceof Error ? error.message : String(error));
    return;
  }
  sink.report(point, report);
}
