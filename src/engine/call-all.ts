import type { Control } from "./control.ts";
import type { RemoteThread } from "./host.ts";
import { ReleasedError } from "./released.ts";

/** Call every thread; when one fails, release the others, wait for them and throw the cause, not its echo. */
export async function callAll<T>(
  threads: readonly RemoteThread[],
  control: Control,
  call: (thread: RemoteThread) => Promise<T>,
): Promise<T[]> {
  const calls = threads.map(async (thread) => {
    try {
      return await call(thread);
    } catch (error) {
      control.abort();
      throw error;
    }
  });
  const settled = await Promise.allSettled(calls);
  const failures = settled.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) throw failures.find((error) => !(error instanceof ReleasedError)) ?? failures[0];
  return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
