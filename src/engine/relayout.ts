import type { Mesh } from "../scenario/scenario.ts";
import { cutShard } from "../scenario/shard-fill.ts";
import type { RankViews } from "./arena-views.ts";
import { joinMasks, joinParts, regionOf } from "./region.ts";

/** Copy x, dy and the mask of all ranks from the sharded layout into another. */
export function copyToLayout(
  { tensor, sequence }: Mesh,
  sharded: readonly RankViews[],
  target: readonly RankViews[],
): void {
  const shards = tensor * sequence;
  for (let first = 0; first < sharded.length; first += shards) {
    const parts = sharded.slice(first, first + shards);
    const region = regionOf(parts);
    const whole = {
      ...region.extent,
      x: joinParts(parts, region, ({ x }) => x),
      dy: joinParts(parts, region, ({ dy }) => dy),
      mask: joinMasks(parts, region),
    };
    for (const views of target.slice(first, first + shards))
      cutShard(whole, views, { ...views.extent, x: views.x, dy: views.dy, mask: views.mask });
  }
}
