import { assert } from "../../assert.ts";
import { type LinkClass, linkColumns, type Network } from "./network.ts";

/** Ranks around one switch that never blocks; each has a cable to it. */
export interface StarDescription extends LinkClass {
  /** >= 1. The latency is one cable's: a message takes two. */
  readonly ranks: number;
}

/** Every rank on one switch: link 2r is rank r's way up to it, link 2r + 1 its way down. */
export function starNetwork({ ranks, ...cable }: StarDescription): Network {
  assert(Number.isInteger(ranks) && ranks >= 1, `a star of ${ranks} ranks`);
  return {
    ranks,
    ...linkColumns([[cable, 2 * ranks]]),
    longestRoute: 2,
    route: (source, target, links) => {
      links[0] = 2 * source;
      links[1] = 2 * target + 1;
      return 2;
    },
    linkName: (link) => `rank ${link >> 1} ${link % 2 === 0 ? "up" : "down"}`,
  };
}
