import type { InjectedFault } from "../scenario/injected-fault.ts";
import type { Phase } from "./control.ts";

/**
 * Make a rank fail on purpose if the scenario asks for it here: `throw` an error, `exit` its thread,
 * `stall` for ever, or `exhaust-memory`.
 */
export function injectFault(
  faults: readonly InjectedFault[],
  at: { readonly rank: number; readonly trainingStep: number; readonly phase: Phase },
  exit: () => void,
): void {
  for (const fault of faults) {
    if (
      !("phase" in fault) ||
      fault.rank !== at.rank ||
      fault.trainingStep !== at.trainingStep ||
      fault.phase !== at.phase
    )
      continue;
    if (fault.kind === "throw") throw new Error("injected fault");
    if (fault.kind === "exit") exit();
    if (fault.kind === "exhaust-memory") exhaustMemory();
    if (fault.kind === "stall") stall();
  }
}

function stall(): never {
  for (;;);
}

function exhaustMemory(): never {
  const held: string[][] = [];
  for (;;) held.push(Array.from({ length: 1_000_000 }, (_, i) => `${held.length} ${i}`));
}
