import { type InjectedFault, isDiscord } from "../scenario/injected-fault.ts";
import type { Phase } from "./control.ts";

/**
 * Make a rank fail or pause on purpose if the scenario asks for it here: `throw` an error, `exit` its thread,
 * `stall` for ever, `exhaust-memory`, or be `slow`.
 */
export function injectFault(
  faults: readonly InjectedFault[],
  at: { readonly rank: number; readonly trainingStep: number; readonly phase: Phase },
  exit: () => void,
): void {
  for (const fault of faults) {
    if (
      !("phase" in fault) ||
      isDiscord(fault) ||
      fault.rank !== at.rank ||
      fault.trainingStep !== at.trainingStep ||
      fault.phase !== at.phase
    )
      continue;
    if (fault.kind === "throw") throw new Error("injected fault");
    if (fault.kind === "exit") exit();
    if (fault.kind === "exhaust-memory") exhaustMemory();
    if (fault.kind === "stall") stall();
    if (fault.kind === "slow") pause(fault.delaySeconds);
  }
}

/** Make a rank late if the scenario asks for it. */
export function delayStart(faults: readonly InjectedFault[], rank: number): void {
  for (const fault of faults)
    if (fault.kind === "late-start" && fault.rank === rank) pause(fault.delaySeconds);
}

/** Nobody else may run on this thread meanwhile: a thread cannot tell which of its ranks is slow. */
function pause(seconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

function stall(): never {
  for (;;);
}

function exhaustMemory(): never {
  const held: string[][] = [];
  for (;;) held.push(Array.from({ length: 1_000_000 }, (_, i) => `${held.length} ${i}`));
}
