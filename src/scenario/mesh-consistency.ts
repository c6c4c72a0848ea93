import type { Finding } from "./issues.ts";
import { coordinatesOf, maxRanks } from "./mesh.ts";
import type { LayerNormSpec, Mesh, NormalizerFault } from "./scenario.ts";
import type { SoundFields } from "./sound-fields.ts";

type TensorParallel = NonNullable<LayerNormSpec["tensorParallel"]>;

/** What of a scenario does not go with its mesh. */
export function meshFindings(fields: SoundFields): Finding[] {
  const { mesh } = fields;
  if (mesh === undefined) return faultFindings(fields);
  const worldSize = mesh.data * mesh.tensor * mesh.sequence;
  if (worldSize > maxRanks)
    return [finding(["mesh"], `expected at most ${maxRanks} ranks, got a product of ${worldSize}`)];
  if (mesh.tensor * mesh.sequence === 1) return faultFindings(fields);
  return [
    ...extentFindings(mesh, fields.data),
    ...sampleFindings(mesh, fields.data.samples),
    ...normalizerFindings(mesh, fields),
    ...faultFindings(fields),
  ];
}

/** Every rank needs a channel and a position of its own. */
function extentFindings(mesh: Mesh, { channels, positions }: SoundFields["data"]): Finding[] {
  const outer = positions?.[0] ?? 1;
  const limits = [
    { axis: "tensor", most: channels, what: `the ${channels} channels` },
    {
      axis: "sequence",
      most: positions === undefined ? undefined : outer,
      what: `the first position axis, which is ${outer}`,
    },
  ] as const;
  return limits.flatMap(({ axis, most, what }) => {
    const got = mesh[axis];
    if (most === undefined || got <= most) return [];
    return [finding(["mesh", axis], `expected at most ${what}, got ${got}`)];
  });
}

/** Ranks of one data coordinate hold parts of the same samples. */
function sampleFindings(mesh: Mesh, samples: SoundFields["data"]["samples"]): Finding[] {
  if (samples === undefined || typeof samples === "number") return [];
  const shards = mesh.tensor * mesh.sequence;
  return samples.flatMap((count, rank) => {
    const first = coordinatesOf(mesh, rank).data * shards;
    if (samples[first] === count) return [];
    const message = `expected ${samples[first]}, as on rank ${first}, which holds parts of the same samples; got ${count}`;
    return [finding(["data", "samples", rank], message)];
  });
}

/** A program error goes with the form that it is made in, and with something that goes wrong. */
const formOfFault: Readonly<Record<NormalizerFault, TensorParallel>> = {
  "rank-local-statistics": "sharded",
  "missing-gradient-all-reduce": "sequence-parallel",
  "averaged-gradient-all-reduce": "sequence-parallel",
};

function faultFindings({ mesh, normalizers, backward }: SoundFields): Finding[] {
  return normalizers.flatMap((normalizer, index) => {
    const fault = "fault" in normalizer ? normalizer.fault : undefined;
    if (fault === undefined) return [];
    const at = ["normalizers", index, "fault"];
    const form = ("tensorParallel" in normalizer ? normalizer.tensorParallel : undefined) ?? "sharded";
    const findings = [];
    if (form !== formOfFault[fault])
      findings.push(finding(at, `expected tensorParallel: ${formOfFault[fault]} beside it, got ${form}`));
    if (mesh?.tensor === 1)
      findings.push(finding(at, "expected mesh.tensor above 1, without which nothing goes wrong"));
    if (backward === false && formOfFault[fault] === "sequence-parallel")
      findings.push(finding(at, "expected backward: true, without which nothing goes wrong"));
    return findings;
  });
}

function normalizerFindings(mesh: Mesh, { normalizers, data }: SoundFields): Finding[] {
  return normalizers.flatMap((normalizer, index) => [
    ...groupFindings(mesh, normalizer, ["normalizers", index, "group"]),
    ...blockFindings(mesh, normalizer, ["normalizers", index, "groups"]),
    ...(data.positions === undefined ? [] : rowFindings(mesh, normalizer, index, data.positions)),
  ]);
}

type Draft = SoundFields["normalizers"][number];

/** Statistics of a channel can only be pooled by ranks that hold it. */
function groupFindings(mesh: Mesh, normalizer: Draft, path: Finding["path"]): Finding[] {
  const group = "group" in normalizer ? normalizer.group : undefined;
  const holders = mesh.data * mesh.sequence;
  if (typeof group === "number" && group > holders)
    return [finding(path, `expected at most the ${holders} ranks that hold the same channels, got ${group}`)];
  if (typeof group !== "object") return [];
  const mixed = group.find(
    (ranks) => new Set(ranks.map((rank) => coordinatesOf(mesh, rank).tensor)).size > 1,
  );
  if (mixed === undefined) return [];
  const message = `expected lists of ranks that hold the same channels, which are equal modulo mesh.tensor, got [${mixed.join(", ")}]`;
  return [finding(path, message)];
}

/** Blocks of channels and the shards of tensor ranks end together. */
function blockFindings({ tensor }: Mesh, normalizer: Draft, path: Finding["path"]): Finding[] {
  const groups = "groups" in normalizer ? normalizer.groups : undefined;
  if (groups === undefined || groups % tensor === 0 || tensor % groups === 0) return [];
  const message = `expected a divisor or a multiple of mesh.tensor, which is ${tensor}, so that no rank holds a part of one block and more, got ${groups}`;
  return [finding(path, message)];
}

/** In a sequence-parallel layout every tensor rank needs positions of its own; files may tell them only later. */
export function rowFindings(
  { tensor, sequence }: Mesh,
  normalizer: Draft,
  index: number,
  [rows = 1]: readonly number[],
): Finding[] {
  const form = "tensorParallel" in normalizer ? normalizer.tensorParallel : undefined;
  if (form !== "sequence-parallel" || rows >= tensor * sequence) return [];
  const message = `expected a first position axis of at least ${tensor * sequence}, mesh.tensor times mesh.sequence, for sequence-parallel, got ${rows}`;
  return [finding(["normalizers", index, "tensorParallel"], message)];
}

function finding(path: Finding["path"], message: string): Finding {
  return { path, at: "value", message };
}
