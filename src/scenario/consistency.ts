import { evaluationFindings } from "./evaluation-consistency.ts";
import type { Finding } from "./issues.ts";
import { meshFindings } from "./mesh-consistency.ts";
import { momentsFindings } from "./moments-consistency.ts";
import { normalizerFields } from "./normalizer-schema.ts";
import { type DraftNormalizer, normalizerName } from "./resolution.ts";
import type { RankGroups } from "./scenario.ts";
import type { SoundFields } from "./sound-fields.ts";
import { lengthCount, tokenClasses } from "./tokens.ts";
import { trainingFindings } from "./training-consistency.ts";

/** Elements of x over all ranks. Each of x, dy, y and dx then takes 1 GiB in float32. */
const maxElements = 2 ** 28;

/** Findings about fields that are sound by themselves but do not go together. */
export function inconsistencies(fields: SoundFields): Finding[] {
  return [
    ...meshFindings(fields),
    ...momentsFindings(fields),
    ...trainingFindings(fields),
    ...rankListFindings(fields),
    ...elementFindings(fields),
    ...lengthFindings(fields.data),
    ...bucketFindings(fields.data),
    ...labelFindings(fields),
    ...fields.normalizers.flatMap((normalizer, index) => normalizerFindings(normalizer, index, fields)),
    ...nameFindings(fields.normalizers),
    ...evaluationFindings(fields),
    ...fields.faults.flatMap((fault, index) => faultFindings(fault, index, fields)),
  ];
}

/** Lists with one entry for each rank. */
function rankListFindings({ worldSize, data }: SoundFields): Finding[] {
  if (worldSize === undefined) return [];
  return (["samples", "files", "gradients", "mask"] as const).flatMap((key) => {
    const list = data[key];
    if (list === undefined || typeof list === "number" || list.length === worldSize) return [];
    if (data.source === "safetensors" && list.length === 1) return sharedFileFindings(data);
    if (data.source === "moments") return [];
    const message = `expected one entry for each of the ${worldSize} ranks of the mesh, got ${list.length}`;
    return [finding(["data", key], message)];
  });
}

/** A file that all ranks share holds a tensor for each. */
function sharedFileFindings({ tensors }: SoundFields["data"]): Finding[] {
  if (tensors === undefined || tensors.x.includes("{rank}")) return [];
  const message = `expected {rank} in the name, such as rank{rank}.x, since one file is for all ranks, got ${JSON.stringify(tensors.x)}`;
  return [finding(["data", "tensors", "x"], message)];
}

function elementFindings({ mesh, worldSize, data }: SoundFields): Finding[] {
  const { samples, channels, positions } = data;
  if (samples === undefined || mesh === undefined || worldSize === undefined) return [];
  const total = typeof samples === "number" ? samples * worldSize : samples.reduce((sum, n) => sum + n, 0);
  if (total === 0)
    return [finding(["data", "samples"], "expected samples on at least one rank, got 0 on every rank")];
  if (channels === undefined || positions === undefined) return [];
  const elements =
    positions.reduce((product, extent) => product * extent, total * channels) / (mesh.tensor * mesh.sequence);
  if (elements <= maxElements) return [];
  const shown = `samples x channels x positions over all ranks`;
  return [finding(["data"], `expected at most ${maxElements} elements (${shown}), got ${elements}`)];
}

/** Lengths of padded sequences. */
function lengthFindings({ minLength, maxLength, positions }: SoundFields["data"]): Finding[] {
  const padded = positions?.[0] ?? Number.POSITIVE_INFINITY;
  const longest = maxLength ?? padded;
  const findings: Finding[] = [];
  if (maxLength !== undefined && maxLength > padded)
    findings.push(
      finding(["data", "maxLength"], `expected at most positions, which is ${padded}, got ${maxLength}`),
    );
  if (minLength !== undefined && minLength > longest) {
    const bound = maxLength === undefined ? "positions" : "maxLength";
    findings.push(
      finding(["data", "minLength"], `expected at most ${bound}, which is ${longest}, got ${minLength}`),
    );
  }
  return findings;
}

/** A rank draws from its share of the lengths, so that the training set has to hold every length of every class. */
function bucketFindings(data: SoundFields["data"]): Finding[] {
  const { lengths, channels, positions, minLength, maxLength = positions?.[0], trainingSamples } = data;
  if (lengths !== "bucketed" || channels === undefined || trainingSamples === undefined) return [];
  if (minLength === undefined || maxLength === undefined) return [];
  const least = tokenClasses({ channels }) * lengthCount({ minLength, maxLength });
  if (trainingSamples >= least) return [];
  const message = `expected at least ${least}, one of each class and length, got ${trainingSamples}`;
  return [finding(["data", "trainingSamples"], message)];
}

/** Normalisers that see the images themselves see no labels. */
function labelFindings({ data: { labelNoise }, training }: SoundFields): Finding[] {
  if (labelNoise === undefined || labelNoise === 0 || training !== null) return [];
  return [
    finding(["data", "labelNoise"], `expected a training block, whose labels it changes, got ${labelNoise}`),
  ];
}

function normalizerFindings(
  normalizer: Partial<DraftNormalizer>,
  index: number,
  { worldSize, training, data: { channels } }: SoundFields,
): Finding[] {
  const group = "group" in normalizer ? normalizer.group : undefined;
  const at = (key: string): Finding["path"] => ["normalizers", index, key];
  const findings = group === undefined || worldSize === undefined ? [] : groupFindings(group, worldSize, at);
  if ("virtualBatch" in normalizer && group !== undefined && group !== "rank")
    findings.push(finding(at("virtualBatch"), "expected group: rank beside it, whose samples it splits"));
  // In a network the channels are those of its layers.
  return channels === undefined || training !== null
    ? findings
    : [...findings, ...channelFindings(normalizer, index, channels)];
}

function groupFindings(
  group: RankGroups,
  worldSize: number,
  at: (key: string) => Finding["path"],
): Finding[] {
  if (typeof group === "number" && group > worldSize)
    return [finding(at("group"), `expected at most the ${worldSize} ranks of the mesh, got ${group}`)];
  if (typeof group !== "object") return [];
  const wrong = rankListFault(group.flat(), worldSize);
  if (wrong === undefined) return [];
  return [finding(at("group"), `expected each of the ${worldSize} ranks of the mesh once, ${wrong}`)];
}

function rankListFault(ranks: readonly number[], worldSize: number): string | undefined {
  const seen = new Set<number>();
  for (const rank of ranks) {
    if (rank >= worldSize) return `got ${rank}`;
    if (seen.has(rank)) return `got ${rank} twice`;
    seen.add(rank);
  }
  for (let rank = 0; rank < worldSize; rank++) if (!seen.has(rank)) return `${rank} is missing`;
  return undefined;
}

/** What of a normaliser does not go with the number of channels, which files may tell only later. */
export function channelFindings(
  normalizer: Partial<DraftNormalizer>,
  index: number,
  channels: number,
): Finding[] {
  const findings = (["weight", "bias"] as const).flatMap((key) => {
    const list = normalizer[key];
    if (list === undefined || typeof list === "number" || list.length === channels) return [];
    const message = `expected one number for each of the ${channels} channels, got ${list.length}`;
    return [finding(["normalizers", index, key], message)];
  });
  if ("groups" in normalizer && normalizer.groups !== undefined && channels % normalizer.groups !== 0) {
    const message = `expected a divisor of the ${channels} channels, got ${normalizer.groups}`;
    findings.push(finding(["normalizers", index, "groups"], message));
  }
  return findings;
}

/** Two normalisers with one name, given or made up. */
function nameFindings(normalizers: SoundFields["normalizers"]): Finding[] {
  const firstIndex = new Map<string, number>();
  return normalizers.flatMap((normalizer, index) => {
    if (!isNamed(normalizer)) return [];
    const name = normalizerName(normalizer);
    const first = firstIndex.get(name);
    if (first === undefined) {
      firstIndex.set(name, index);
      return [];
    }
    const message = `expected a name of its own, got ${JSON.stringify(name)} as in normalizers[${first}]`;
    return [finding(["normalizers", index, "name"], message)];
  });
}

/** Whether `normalizerName` can tell the name: it was given, or what it is made of is sound. */
function isNamed(normalizer: Partial<DraftNormalizer>): normalizer is DraftNormalizer {
  if (normalizer.name !== undefined) return true;
  const { type } = normalizer;
  return type !== undefined && (!("group" in normalizerFields[type]) || "group" in normalizer);
}

/** Faults that would never happen. */
function faultFindings(
  fault: SoundFields["faults"][number],
  index: number,
  { worldSize, trainingSteps, training, backward, deadline, normalizers }: SoundFields,
): Finding[] {
  const step = "trainingStep" in fault ? fault.trainingStep : undefined;
  const bounds = [
    { key: "rank", got: fault.rank, below: worldSize, what: "ranks of the mesh" },
    training !== null
      ? { key: "trainingStep", got: step, below: training.steps, what: "training.steps" }
      : { key: "trainingStep", got: step, below: trainingSteps, what: "trainingSteps" },
  ];
  const findings = bounds.flatMap(({ key, got, below, what }) =>
    got !== undefined && below !== undefined && got >= below
      ? [finding(["faults", index, key], `expected less than the ${below} ${what}, got ${got}`)]
      : [],
  );
  if ("phase" in fault && fault.phase === "backward" && backward === false)
    findings.push(finding(["faults", index, "phase"], "expected a phase that runs; backward is false"));
  if ("delay" in fault && fault.delay !== undefined && deadline !== undefined && fault.delay >= deadline)
    findings.push(
      finding(
        ["faults", index, "delay"],
        `expected less than the deadline of ${deadline} s, got ${fault.delay} s; stall never ends`,
      ),
    );
  const isSpoiled = fault.kind === "nan" || fault.kind === "inf";
  const form = (normalizer: Partial<DraftNormalizer>) =>
    ("tensorParallel" in normalizer && normalizer.tensorParallel) || "sharded";
  if (isSpoiled && normalizers.some((normalizer) => form(normalizer) !== "sharded"))
    findings.push(
      finding(
        ["faults", index, "kind"],
        "expected only sharded normalisers beside it, which hold the value on its rank alone",
      ),
    );
  return findings;
}

function finding(path: Finding["path"], message: string): Finding {
  return { path, at: "value", message };
}
