import type { Fault } from "../errors.ts";
import type { SafetensorsSource } from "./data-source.ts";
import { FormatError } from "./format-error.ts";
import { type ArrayDtype, type NpyArray, numbersOf } from "./npy.ts";
import { quoted } from "./npy-header.ts";
import { type NpyBatches, resolveArrays } from "./npy-source.ts";
import { parseSafetensorsHeader, type TensorEntry } from "./safetensors-header.ts";
import type { Mesh, Storage } from "./scenario.ts";
import { didYouMean } from "./suggestion.ts";

/** Types of tensor that are read as numbers. */
const dtypes: ReadonlyMap<string, ArrayDtype> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);

/**
 * Read the tensors of a scenario's data, of the same shapes and under the same rules as .npy files.
 *
 * Faults name a tensor as `file#tensor`.
 *
 * @param read gives the bytes of a path of the scenario, or says why there are none.
 * @throws ScenarioError with the faults of all files.
 */
export function resolveSafetensorsSource(
  { files, tensors }: SafetensorsSource,
  storage: Storage | "auto",
  read: (path: string) => Uint8Array | Fault,
  mesh: Mesh,
): NpyBatches {
  const worldSize = mesh.data * mesh.tensor * mesh.sequence;
  const places = new Map<string, { readonly path: string; readonly name: string }>();
  const entriesOf = (name: string): string[] =>
    Array.from({ length: worldSize }, (_, rank) => {
      const place = {
        path: files[files.length === 1 ? 0 : rank]!,
        name: name.replaceAll("{rank}", `${rank}`),
      };
      const entry = `${place.path}#${place.name}`;
      places.set(entry, place);
      return entry;
    });
  const lists = {
    files: entriesOf(tensors.x),
    ...(tensors.dy !== undefined && { gradients: entriesOf(tensors.dy) }),
    ...(tensors.mask !== undefined && { mask: entriesOf(tensors.mask) }),
  };
  const opened = new Map<string, OpenedFile | Fault>();
  const load = (entry: string): NpyArray | Fault => {
    const { path, name } = places.get(entry)!;
    const file = opened.get(path) ?? openFile(path, read);
    opened.set(path, file);
    if (!("entries" in file)) return file;
    return orFault(entry, () => decodeTensor(file, name));
  };
  return resolveArrays(lists, storage, load, mesh);
}

interface OpenedFile {
  readonly bytes: Uint8Array;
  readonly entries: ReadonlyMap<string, TensorEntry>;
}

function openFile(path: string, read: (path: string) => Uint8Array | Fault): OpenedFile | Fault {
  const bytes = read(path);
  if (!(bytes instanceof Uint8Array)) return bytes;
  return orFault(path, () => ({ bytes, entries: parseSafetensorsHeader(bytes, bytes.length) }));
}

function orFault<T>(file: string, make: () => T): T | Fault {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { file, path: "", message: error.message };
  }
}

function decodeTensor({ bytes, entries }: OpenedFile, name: string): NpyArray {
  const entry = entries.get(name);
  if (entry === undefined) {
    const names = [...entries.keys()];
    const shown = names.slice(0, 10).map(quoted).join(", ");
    const more = names.length > 10 ? ` and ${names.length - 10} more` : "";
    throw new FormatError(`no such tensor; the file has ${shown}${more}${didYouMean(name, names)}`);
  }
  const { shape, start, end } = entry;
  const dtype = dtypes.get(entry.dtype);
  if (dtype === undefined)
    throw new FormatError(`got dtype ${entry.dtype}: expected F64, F32, F16 or BF16, as by tensor.float()`);
  if (shape.length < 1 || shape.length > 5)
    throw new FormatError(`got ${shape.length} axes: expected [N, C, ...positions] of 1 to 5 axes`);
  return { dtype, shape, data: numbersOf(new Uint8Array(bytes.subarray(start, end)), dtype) };
}
