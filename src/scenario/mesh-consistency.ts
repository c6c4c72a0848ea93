import type { Finding } from "./issues.ts";
import { coordinatesOf, maxRanks } from "./mesh.ts";
import type { Mesh } from "./scenario.ts";
import type { SoundFields } from "./sound-fields.ts";

/** What of a scenario does not go with its mesh. */
export function meshFindings(fields: SoundFields): Finding[] {
  const { mesh } = fields;
  if (mesh === undefined) return [];
  const worldSize = mesh.data * mesh.tensor * mesh.sequence;
  if (worldSize > maxRanks)
    return [finding(["mesh"], `expected at most ${maxRanks} ranks, got a product of ${worldSize}`)];
  if (mesh.tensor * mesh.sequence === 1) return [];
  return [
    ...extentFindings(mesh, fields.data),
    ...sampleFindings(mesh, fields.data.samples),
    ...normalizerFindings(fields.normalizers),
  ];
}

/** Every rank needs a channel and a position of its own. */
function extentFindings(mesh: Mesh, { files, channels, positions }: SoundFields["data"]): Finding[] {
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
    if (files !== undefined && got > 1)
      return [finding(["mesh", axis], `expected 1 where data come from files, got ${got}`)];
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

function normalizerFindings(normalizers: SoundFields["normalizers"]): Finding[] {
  return normalizers.flatMap((normalizer, index) => {
    const { type } = normalizer;
    if (type === undefined || type === "layer-norm" || type === "rms-norm") return [];
    const where = "where mesh.tensor or mesh.sequence is above 1";
    if (type !== "batch-norm") {
      const message = `expected batch-norm, layer-norm or rms-norm ${where}: ${type} is not modelled there yet`;
      return [finding(["normalizers", index, "type"], message)];
    }
    const group = "group" in normalizer ? normalizer.group : undefined;
    if (group === undefined || group === "rank" || group === "world") return [];
    return [finding(["normalizers", index, "group"], `expected rank or world ${where}`)];
  });
}

function finding(path: Finding["path"], message: string): Finding {
  return { path, at: "value", message };
}
