import { type Axis, type Extent, indexSetsOf } from "../kernels/index-sets.ts";
import { channelGroupsPerRank, ranksPerSet } from "../normalizers/axis-rule.ts";
import type { CollectiveShape, Normalizer } from "../normalizers/operator.ts";
import { createNormalizer } from "../normalizers/registry.ts";
import type { Mesh, NormalizerSpec } from "../scenario/scenario.ts";

/** Payloads are float32. */
const bytesPerValue = 4;

/** Which axis of an activation each axis of a mesh shards. */
const shardedBy: Readonly<Record<Axis, keyof Mesh>> = {
  samples: "data",
  channels: "tensor",
  positions: "sequence",
};

/** A collective of one training step. */
export interface RuledCollective extends Pick<CollectiveShape, "pass" | "operation" | "values"> {
  /** Of one rank. */
  readonly payloadBytes: number;
}

/** What follows from the axes alone. */
export interface Rule {
  readonly reduces: readonly Axis[];
  /** Those of them that the mesh shards. */
  readonly sharded: readonly Axis[];
  /** Ranks that have to share statistics; 1: none. */
  readonly groupSize: number;
  readonly collectives: readonly RuledCollective[];
  /** One rank's contributions to the collectives of one training step. */
  readonly payloadBytes: number;
  /** The derivation in words. */
  readonly because: string;
}

/**
 * The rule: a normaliser communicates exactly where an axis it reduces over is sharded and its group
 * spans those ranks.
 *
 * @param shard what one rank holds.
 */
export function ruleOf(spec: NormalizerSpec, mesh: Mesh, shard: Extent): Rule {
  const normalizer = createNormalizer(spec);
  const { reduces } = normalizer;
  const sharded = reduces.filter((axis) => mesh[shardedBy[axis]] > 1);
  const isLocal = "group" in spec && spec.group === "rank";
  const groupSize = isLocal ? 1 : ranksPerSet(reduces, mesh, normalizer.channelGroups);
  const collectives = groupSize === 1 ? [] : collectivesOf(normalizer, mesh, shard);
  const rule = {
    reduces,
    sharded,
    groupSize,
    collectives,
    payloadBytes: collectives.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
  };
  return { ...rule, because: derivation(rule, mesh, isLocal) };
}

function collectivesOf(
  { reduces, channelGroups, collectives }: Normalizer,
  mesh: Mesh,
  shard: Extent,
): RuledCollective[] {
  const { setCount } = indexSetsOf(shard, reduces, channelGroupsPerRank(channelGroups, mesh));
  return collectives(shard, { setCount, isMasked: false }).map(({ pass, operation, values }) => ({
    pass,
    operation,
    values,
    payloadBytes: values * bytesPerValue,
  }));
}

function derivation(
  { reduces, sharded, groupSize, collectives }: Omit<Rule, "because">,
  mesh: Mesh,
  isLocal: boolean,
): string {
  const cut = (Object.keys(shardedBy) as Axis[]).filter((axis) => mesh[shardedBy[axis]] > 1);
  const shards = cut.map((axis) => `${axis} (${shardedBy[axis]}=${mesh[shardedBy[axis]]})`);
  const premises = `It reduces over ${list(reduces)}; the mesh shards ${list(shards) || "nothing"}.`;
  if (sharded.length === 0) return `${premises} No axis is in both: nothing is sent.`;
  const overlap = `${premises} In both: ${list(sharded)}`;
  if (isLocal)
    return `${overlap}, but its group is one rank: nothing is sent, and no rank has the statistics of the whole.`;
  if (groupSize === 1)
    return `${overlap}, but every block of channels lies on one rank all the same: nothing is sent.`;
  const sent = collectives.map(
    ({ pass, operation, values, payloadBytes }) =>
      `${operation} ${pass} of ${values} values (${payloadBytes} B)`,
  );
  return `${overlap}. Its group spans these ${groupSize} ranks: ${list(sent)} from each rank and step.`;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
