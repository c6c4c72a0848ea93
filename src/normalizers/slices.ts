import { type Extent, type IndexSets, indexSetsOf } from "../kernels/index-sets.ts";
import type { Mesh, NormalizerSpec } from "../scenario/scenario.ts";
import { channelGroupsPerRank } from "./axis-rule.ts";
import type { SetShape } from "./operator.ts";

/** Consecutive samples of a rank that are normalised together. */
export interface Slice {
  readonly firstSample: number;
  readonly extent: Extent;
  readonly sets: IndexSets;
}

/**
 * A rank's samples as its normaliser sees them: one slice, or with a virtual batch as many as it takes,
 * the last one smaller. Slices of one extent share their index sets.
 *
 * @param extent of what the rank holds of a mesh.
 */
export function slicesOf(
  spec: NormalizerSpec,
  { reduces, channelGroups }: SetShape,
  extent: Extent,
  mesh: Mesh,
): Slice[] {
  const { samples } = extent;
  const ownGroups = channelGroupsPerRank(channelGroups, mesh);
  const virtualBatch = spec.type === "batch-norm" ? spec.virtualBatch : undefined;
  const most = virtualBatch ?? Math.max(1, samples);
  const known = new Map<number, Omit<Slice, "firstSample">>();
  const slices: Slice[] = [];
  for (let firstSample = 0; firstSample === 0 || firstSample < samples; firstSample += most) {
    const count = Math.min(most, samples - firstSample);
    let part = known.get(count);
    if (part === undefined) {
      const own = { ...extent, samples: count };
      part = { extent: own, sets: indexSetsOf(own, reduces, ownGroups) };
      known.set(count, part);
    }
    slices.push({ firstSample, ...part });
  }
  return slices;
}

/** Values of an index set on a rank of this extent, of a normaliser whose sets lie in one sample each. */
export function valuesPerSet(
  { reduces, channelGroups }: SetShape,
  { channels, positions }: Extent,
  mesh: Mesh,
): number {
  const ownChannels = reduces.includes("channels") ? channels / channelGroupsPerRank(channelGroups, mesh) : 1;
  return ownChannels * (reduces.includes("positions") ? positions : 1);
}

/** Statistics of all slices. */
export function setCountOf(slices: readonly Slice[]): number {
  return slices.reduce((sum, { sets }) => sum + sets.setCount, 0);
}
