import type { Pace } from "../timeline/sync-pass.ts";

/** Everything as it is modelled. */
export const asModelled: Pace = { layers: 1, rest: 1 };

/**
 * The pace at which a step takes that long, as near as can be: layers slow down, or everything
 * speeds up. `secondsAt` must not fall as the pace grows.
 */
export function paceThatTakes(seconds: number, secondsAt: (pace: Pace) => number): Pace {
  const paceOf = (factor: number): Pace => ({ layers: factor, rest: Math.min(1, factor) });
  let [low, high] = [0, 1];
  while (secondsAt(paceOf(high)) < seconds) high *= 2;
  // 40 halvings leave 1e-12 of the first interval.
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (secondsAt(paceOf(middle)) < seconds) low = middle;
    else high = middle;
  }
  return paceOf(high);
}
