import { assert } from "../../assert.ts";
import { type LinkClass, linkColumns, type Network } from "./network.ts";

/** Ranks that are wired pair by pair. */
export interface MeshDescription extends LinkClass {
  /** >= 1. Latency and bandwidth are those of one pair, one direction. */
  readonly ranks: number;
}

/** Every rank wired to every other: link source · ranks + target. */
export function meshNetwork({ ranks, ...cable }: MeshDescription): Network {
  assert(Number.isInteger(ranks) && ranks >= 1, `a mesh of ${ranks} ranks`);
  return {
    ranks,
    ...linkColumns([[cable, ranks ** 2]]),
    longestRoute: 1,
    route: (source, target, links) => {
      links[0] = source * ranks + target;
      return 1;
    },
    linkName: (link) => `rank ${Math.floor(link / ranks)} to rank ${link % ranks}`,
  };
}
