import type { Fault } from "../errors.ts";
import type { FileSource } from "./data-source.ts";
import { resolveMomentsSource } from "./moments-source.ts";
import { type NpyBatches, resolveNpySource } from "./npy-source.ts";
import { resolveSafetensorsSource } from "./safetensors-source.ts";
import type { Mesh, Storage } from "./scenario.ts";

/** The files that data come from, as the scenario writes them, each once. */
export function filesOf(data: FileSource): string[] {
  const lists = data.source === "npy" ? [data.files, data.gradients, data.mask] : [data.files];
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

/**
 * Read the arrays, or the moments, of a scenario's data from the files they come from.
 *
 * @param read gives the bytes of a path of the scenario, or says why there are none.
 * @throws ScenarioError with the faults of all files.
 */
export function resolveFileSource(
  data: FileSource,
  storage: Storage | "auto",
  read: (path: string) => Uint8Array | Fault,
  mesh: Mesh,
): NpyBatches {
  if (data.source === "npy") return resolveNpySource(data, storage, read, mesh);
  if (data.source === "safetensors") return resolveSafetensorsSource(data, storage, read, mesh);
  return resolveMomentsSource(data, storage, read, mesh);
}
