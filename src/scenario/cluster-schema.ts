import { type Cluster, cpuVendors, interKinds, intraLinks } from "../cost/cluster.ts";
import { knownGpus } from "../cost/clusters/gpus.ts";
import { resolveCluster } from "../cost/clusters/written-cluster.ts";
import { isKnownVersion, knownVersions } from "../cost/nccl/version.ts";
import { clusterPresets } from "../cost/presets.ts";
import type { Finding } from "./issues.ts";
import { parseBandwidth, parseDuration } from "./quantities.ts";
import { name, quantity, read, section, z } from "./schema-language.ts";

const presetNames = Object.keys(clusterPresets);
const inter = section({
  kind: z.enum(interKinds).exactOptional().describe("Network between nodes."),
  nicsPerNode: z.int().min(1).max(1024).exactOptional().describe("Network cards of a node."),
  bandwidth: quantity("25GB/s", parseBandwidth)
    .exactOptional()
    .describe("Of one card, one direction: 25GB/s."),
  stepLatency: quantity("5us", parseDuration)
    .exactOptional()
    .describe("Of one message; default: the kind's."),
});

const clusterMap = section({
  preset: z.enum(presetNames).exactOptional().describe("Take what is not written here from this cluster."),
  name: name.exactOptional().describe("Shown in reports."),
  gpu: z.enum(knownGpus).exactOptional().describe("GPU model."),
  gpusPerNode: z.int().min(1).max(1024).exactOptional().describe("GPUs of a node."),
  intra: z.enum(intraLinks).exactOptional().describe("Links inside a node."),
  inter: inter.exactOptional().describe("Links between nodes."),
  cpu: z.enum(cpuVendors).exactOptional().describe("Vendor of the CPUs; default: other."),
  nccl: z
    .string()
    .refine(isKnownVersion, `expected a version of NCCL in quotes, ${knownVersions}`)
    .exactOptional()
    .describe('Version of NCCL in quotes, such as "2.26"; default: the newest that is modelled.'),
  launch: quantity("7us", parseDuration)
    .exactOptional()
    .describe("Of a collective, before its first step; default: the GPU generation's."),
}).transform(({ inter: between, launch, ...node }, context): Cluster => {
  const { bandwidth, stepLatency, ...rest } = between ?? {};
  const resolved = resolveCluster({
    ...node,
    ...(launch !== undefined && { launchSeconds: launch }),
    inter: {
      ...rest,
      ...(bandwidth !== undefined && { bandwidthBytesPerSecond: bandwidth }),
      ...(stepLatency !== undefined && { stepLatencySeconds: stepLatency }),
    },
  });
  if ("name" in resolved) return resolved;
  for (const { path, message } of resolved)
    context.issues.push({ code: "custom", message, input: node, path: [...path] });
  return z.NEVER;
});

/** A cluster in a scenario: the name of a preset, or a map. */
export const clusterSchema: z.ZodType<Cluster> = z.union([
  z.enum(presetNames).transform((preset) => clusterPresets[preset]!),
  clusterMap,
]);

/** Check a cluster file's value: the cluster, or what is wrong field by field. */
export function readClusterValue(value: unknown): { readonly data?: Cluster; readonly findings: Finding[] } {
  return read(clusterMap, value);
}
