import type { Extent } from "../kernels/index-sets.ts";
import type { FloatArray } from "../kernels/kernels.ts";
import type { InjectedFault, SpoiledValue } from "../scenario/injected-fault.ts";
import { isSpoiledValue } from "../scenario/spoiled-value.ts";

/** The values of one rank's x that the scenario spoils, each in its training step. */
export class SpoiledValues {
  readonly #values: readonly SpoiledValue[];
  /** What x held where it was spoiled: data from files stay in x from step to step. */
  readonly #kept: { readonly at: number; readonly value: number }[] = [];

  constructor(faults: readonly InjectedFault[], rank: number) {
    this.#values = faults.filter(isSpoiledValue).filter((value) => value.rank === rank);
  }

  /** Undo what was done to the last microbatch, before the next one is drawn. */
  restore(x: FloatArray): void {
    for (const { at, value } of this.#kept.splice(0).reverse()) x[at] = value;
  }

  /** Spoil this step's values. x is [N, C, L]. */
  apply(trainingStep: number, x: FloatArray, extent: Extent): void {
    for (const spoiled of this.#values) {
      if (spoiled.trainingStep !== trainingStep) continue;
      const at = (spoiled.sample * extent.channels + spoiled.channel) * extent.positions + spoiled.position;
      this.#kept.push({ at, value: x[at]! });
      x[at] = spoiled.kind === "nan" ? Number.NaN : Number.POSITIVE_INFINITY;
    }
  }
}
