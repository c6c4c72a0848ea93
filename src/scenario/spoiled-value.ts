import type { InjectedFault, SpoiledValue } from "./injected-fault.ts";
import { shardOf } from "./mesh.ts";
import type { Scenario } from "./scenario.ts";

/** Whether a fault spoils a value and lets the run go on. */
export function isSpoiledValue(fault: InjectedFault): fault is SpoiledValue {
  return fault.kind === "nan" || fault.kind === "inf";
}

/** Objections to values that the ranks do not hold, by the fault's index and key. */
export function spoiledValueObjections(
  { faults, mesh }: Scenario,
  shape: {
    readonly samples: readonly number[];
    readonly channels: number;
    readonly positionExtents: readonly number[];
  },
): { readonly index: number; readonly key: string; readonly message: string }[] {
  return faults.flatMap((fault, index) => {
    if (!isSpoiledValue(fault)) return [];
    const shard = shardOf(mesh, fault.rank, shape.channels, shape.positionExtents);
    const held = {
      sample: shape.samples[fault.rank]!,
      channel: shard.channels,
      position: shard.positions,
    };
    return (["sample", "channel", "position"] as const)
      .filter((key) => fault[key] >= held[key])
      .map((key) => ({
        index,
        key,
        message: `expected less than the ${held[key]} on the rank, got ${fault[key]}`,
      }));
  });
}
