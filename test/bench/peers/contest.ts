import type { Figure } from "../figures.ts";
import { leastSeconds, median } from "../median.ts";

/** One job done once: how many wall seconds it took. */
export type Timer = () => number | Promise<number>;

/** The same job, done here and by a peer. */
export interface Contest {
  readonly title: string;
  readonly ours: Timer;
  readonly peer: { readonly name: string; readonly time: Timer };
  /** How many times as fast as the peer this is meant to be. */
  readonly goal?: number;
  /** Fewer where a peer takes long. */
  readonly rounds?: number;
}

const usualRounds = 15;

/**
 * Time both sides in turns, so that what else the machine does meets both, and print the ratio of medians.
 *
 * @returns medians in seconds, and the ratio.
 */
export async function hold({ title, ours, peer, goal, rounds = usualRounds }: Contest): Promise<Figure> {
  const seconds: { readonly ours: number[]; readonly peer: number[] } = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    seconds.ours.push(await ours());
    seconds.peer.push(await peer.time());
  }
  const [own, theirs] = [median(seconds.ours), median(seconds.peer)];
  const ratio = theirs / own;
  const cells = [
    title.padEnd(40),
    `${(own * 1e3).toFixed(3)} ms`.padStart(11),
    `${peer.name} ${(theirs * 1e3).toFixed(3)} ms`.padStart(20),
    `${ratio.toFixed(2)}x`.padStart(8),
    goal === undefined ? "" : `(goal ${goal})`.padStart(11),
    goal === undefined || ratio >= goal ? "" : "  missed",
  ];
  console.log(cells.join(" ").trimEnd());
  return {
    title,
    wallSeconds: own,
    peer: peer.name,
    peerWallSeconds: theirs,
    ratio,
    ...(goal !== undefined && { goal }),
  };
}

/** The least of five calls in a row, as the peers time themselves. */
export const timed =
  (call: () => void): Timer =>
  () =>
    leastSeconds(call);
