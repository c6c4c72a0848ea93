import type { Fault } from "../errors.ts";
import type { FileSource } from "./data-source.ts";
import { type NpyBatches, resolveNpySource } from "./npy-source.ts";
import { resolveSafetensorsSource } from "./safetensors-source.ts";
import type { Mesh, Storage } from "./scenario.ts";

/** Whether the data of a scenario come from files that it names. */
export function isFileSource<T extends { readonly source: string }>(
  data: T,
): data is Extract<T, { readonly source: FileSource["source"] }> {
  return data.source === "npy" || data.source === "safetensors";
}

/** The files that data come from, as the scenario writes them, each once. */
export function filesOf(data: FileSource): string[] {
  const lists = data.source === "npy" ? [data.files, data.gradients, data.mask] : [data.files];
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

/**
 * Read the arrays of a scenario's data from the files they come from.
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
  return data.source === "npy"
    ? resolveNpySource(data, storage, read, mesh)
    : resolveSafetensorsSource(data, storage, read, mesh);
}
