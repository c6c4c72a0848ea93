import { localMoments } from "../../../src/normalizers/operator.ts";
import { type Contest, timed } from "./contest.ts";
import { createLayer } from "./layer.ts";
import type { Peer } from "./peer-process.ts";

const cases = [
  { what: "channels of NCHW", samples: 32, channels: 64, positions: 3136, goal: 0.9 },
  { what: "channels of NCHW", samples: 32, channels: 1024, positions: 196, goal: 0.9 },
  { what: "channels of short rows", samples: 64, channels: 2048, positions: 49, goal: 0.75 },
  { what: "channels of tokens", samples: 8192, channels: 768, positions: 1, goal: 0.75 },
];

/** Count, mean and m2 of every channel of 25 MB against one pass in C. */
export async function* momentsContests(c: Peer): AsyncGenerator<Contest> {
  for (const { what, goal, ...extent } of cases) {
    const { samples, channels, positions } = extent;
    const { view } = await createLayer("batch-norm", extent);
    const shape = positions === 1 ? [samples, channels] : [samples, channels, positions];
    const layout = positions === 1 ? "tokens" : "nchw";
    yield {
      title: `moments of ${what} [${shape.join(", ")}]`,
      ours: timed(() => localMoments(view)),
      peer: { name: "C", time: c.time(`${layout} ${shape.join(" ")}`) },
      goal,
    };
  }
}
