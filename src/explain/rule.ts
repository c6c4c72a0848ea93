import { type Axis, type Extent, indexSetsOf } from "../kernels/index-sets.ts";
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
  const groupSize = isLocal
    ? 1
    : sharded.reduce((ranks, axis) => ranks * waysOf(axis, mesh, normalizer.channelGroups), 1);
  const collectives = groupSize === 1 ? [] : collectivesOf(spec, normalizer, mesh, shard);
  const rule = {
    reduces,
    sharded,
    groupSize,
    collectives,
    payloadBytes: collectives.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
  };
  return { ...rule, because: derivation(rule, mesh, isLocal) };
}

/** Ranks that one index set spans along an axis: blocks of channels may end where shards do. */
function waysOf(axis: Axis, mesh: Mesh, channelGroups: number): number {
  const ways = mesh[shardedBy[axis]];
  return axis === "channels" ? ways / greatestCommonDivisor(ways, channelGroups) : ways;
}

function collectivesOf(
  spec: NormalizerSpec,
  normalizer: Normalizer,
  mesh: Mesh,
  shard: Extent,
): RuledCollective[] {
  const shapes =
    "group" in spec
      ? normalizer.collectives(shard)
      : residentShapes(normalizer, greatestCommonDivisor(mesh.tensor, normalizer.channelGroups), shard);
  return shapes.map(({ pass, operation, values }) => ({
    pass,
    operation,
    values,
    payloadBytes: values * bytesPerValue,
  }));
}

/**
 * What sets that lie on one rank under data parallelism have to share when they are split: Σ(x − m)² and
 * the mean forward, Σg and Σg(x − m) backward; one of the two where nothing is centred.
 */
function residentShapes(
  { reduces, channelGroups, centres }: Normalizer,
  blockShards: number,
  shard: Extent,
): Omit<RuledCollective, "payloadBytes">[] {
  const { setCount } = indexSetsOf(shard, reduces, Math.max(1, channelGroups / blockShards));
  const values = (centres ? 2 : 1) * setCount;
  return (["forward", "backward"] as const).map((pass) => ({ pass, operation: "all-reduce", values }));
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

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
