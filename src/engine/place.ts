import type { Scenario } from "../scenario/scenario.ts";
import type { Place } from "./control.ts";

/** Where a rank is, in words: `training step 1, SyncBN forward, collective 3, waiting for rank 5`. */
export function describePlace(place: Place, scenario: Scenario): string {
  const parts = [`training step ${place.trainingStep}`];
  if (place.phase === "data") parts.push("making its microbatch");
  else parts.push(`${scenario.normalizers[place.normalizer]?.name ?? "?"} ${place.phase}`);
  if (place.collective > 0) parts.push(`collective ${place.collective}`);
  if (place.awaitedRank !== null) parts.push(`waiting for rank ${place.awaitedRank}`);
  return parts.join(", ");
}
