import { type Fault, ScenarioError } from "../errors.ts";
import type { NpySource } from "./data-source.ts";
import { coordinatesOf } from "./mesh.ts";
import type { FloatArray } from "./microbatch.ts";
import { decodeNpy, type NpyArray, NpyError } from "./npy.ts";
import {
  activationObjection,
  gradientObjection,
  likenessObjection,
  maskObjection,
  tokenOf,
  valueObjection,
} from "./npy-objections.ts";
import { sameMaskObjection, shardObjection, wholeShape } from "./npy-shards.ts";
import { isHalf, isWide, roundToHalf } from "./number-format.ts";
import type { Mesh, Storage } from "./scenario.ts";

/** What the files of a scenario hold, one array per rank. */
export interface NpyBatches {
  readonly samples: readonly number[];
  /** Of the whole activation, as are positionExtents. */
  readonly channels: number;
  /** Extents of the position axes; their product is the L of [N, C, L]. */
  readonly positionExtents: readonly number[];
  readonly storage: Storage;
  /** [N, C, L] of each rank's shard, finite; 0 where the mask says invalid. */
  readonly x: readonly FloatArray[];
  /** Like x; null: the scenario names no gradients. */
  readonly dy: readonly FloatArray[] | null;
  /** [N, L], 1 is valid, 0 is not; null: the scenario names no masks. */
  readonly mask: readonly Uint8Array[] | null;
  /** Of `source: moments`, whose x is empty: by microbatch and rank. */
  readonly moments?: readonly (readonly ChannelMoments[])[];
}

/** Moments of the channels of one rank's microbatch. */
export interface ChannelMoments {
  /** Values of each channel. */
  readonly count: number;
  readonly mean: Float64Array;
  /** Σ (x − mean)². */
  readonly m2: Float64Array;
}

/**
 * Read the files of a scenario's data.
 *
 * x is [N, C, ...positions], or [N], which is one channel; N may differ between data coordinates and be 0.
 * On a tensor or sequence mesh each file is its rank's shard. Whatever x and dy hold at an invalid position is
 * replaced by 0; NaN and infinity are refused everywhere else.
 *
 * @param source has one entry per rank in each of its lists.
 * @param read gives the bytes of a path of the scenario, or says why there are none.
 * @throws ScenarioError with the faults of all files.
 */
export function resolveNpySource(
  source: NpySource,
  storage: Storage | "auto",
  read: (path: string) => Uint8Array | Fault,
  mesh: Mesh = { data: source.files.length, tensor: 1, sequence: 1 },
): NpyBatches {
  return resolveArrays(source, storage, (path) => loadNpy(path, read), mesh);
}

/**
 * Load the arrays of a scenario's data and hold them against each other.
 *
 * @param lists what each rank's arrays are called, in the order of faults.
 * @param storage `auto`: float64 if any x or dy is, else float32.
 * @param load gives the array of a name, or says why there is none; the same object where the reason is the same.
 * @throws ScenarioError with the faults of all arrays.
 */
export function resolveArrays(
  { files, gradients: gradientFiles, mask: maskFiles }: Omit<NpySource, "source">,
  storage: Storage | "auto",
  load: (name: string) => NpyArray | Fault,
  mesh: Mesh,
): NpyBatches {
  const list = new FileList(load);
  const sound = files.map((file) => list.check(file, list.load(file), activationObjection));
  const first = sound.findIndex((array) => array !== undefined);
  const whole = wholeShape(sound, mesh);
  const shaped = sound.map((array, rank) =>
    list.check(files[rank]!, array, (it) =>
      mesh.tensor * mesh.sequence === 1
        ? likenessObjection(it, sound[first]!, files[first]!)
        : whole && shardObjection(it, rank, { mesh, whole, shards: sound, files }),
    ),
  );
  const masks: (NpyArray | undefined)[] | undefined = maskFiles && [];
  for (const [rank, file] of maskFiles?.entries() ?? []) {
    const peer = rank - coordinatesOf(mesh, rank).tensor;
    const mask = list.check(
      file,
      list.load(file),
      (it) =>
        maskObjection(it, shaped[rank], files[rank]!) ??
        sameMaskObjection(it, masks![peer], maskFiles![peer]!),
    );
    masks!.push(mask);
  }
  /** Without a usable mask nobody knows which values count. */
  const checkValues = (file: string, array: NpyArray | undefined, rank: number) =>
    masks !== undefined && (masks[rank] === undefined || shaped[rank] === undefined)
      ? array
      : list.check(file, array, (it) => valueObjection(it, masks?.[rank], storage));
  const x = shaped.map((array, rank) => checkValues(files[rank]!, array, rank));
  const dy = gradientFiles?.map((file, rank) => {
    const array = list.check(file, list.load(file), (it) =>
      gradientObjection(it, shaped[rank], files[rank]!),
    );
    return checkValues(file, array, rank);
  });
  if (x.every((array) => array?.shape[0] === 0))
    list.object(files[0]!, "expected samples on at least one rank, got 0 on every rank");
  list.throwFaults([...files, ...(gradientFiles ?? []), ...(maskFiles ?? [])]);
  return batchesOf(
    whole!,
    x as NpyArray[],
    dy as NpyArray[] | undefined,
    masks as NpyArray[] | undefined,
    storage,
  );
}

function loadNpy(file: string, read: (path: string) => Uint8Array | Fault): NpyArray | Fault {
  const bytes = read(file);
  if (!(bytes instanceof Uint8Array)) return bytes;
  try {
    return decodeNpy(bytes);
  } catch (error) {
    if (!(error instanceof NpyError)) throw error;
    return { file, path: "", message: error.message };
  }
}

/** Loads arrays and collects what is wrong with them. */
class FileList {
  readonly #load: (name: string) => NpyArray | Fault;
  readonly #faults: Fault[] = [];

  constructor(load: (name: string) => NpyArray | Fault) {
    this.#load = load;
  }

  object(file: string, message: string): void {
    this.#faults.push({ file, path: "", message });
  }

  load(file: string): NpyArray | undefined {
    const array = this.#load(file);
    if ("data" in array) return array;
    if (!this.#faults.includes(array)) this.#faults.push(array);
    return undefined;
  }

  /** The array, unless there is none or something speaks against it. */
  check(
    file: string,
    array: NpyArray | undefined,
    objection: (array: NpyArray) => string | undefined,
  ): NpyArray | undefined {
    const message = array === undefined ? undefined : objection(array);
    if (message === undefined) return array;
    this.object(file, message);
    return undefined;
  }

  /** @throws ScenarioError if there are any, in the order of the files. */
  throwFaults(order: readonly string[]): void {
    if (this.#faults.length === 0) return;
    const place = (fault: Fault) => order.indexOf(fault.file);
    throw new ScenarioError(this.#faults.sort((a, b) => place(a) - place(b)));
  }
}

function batchesOf(
  whole: readonly number[],
  x: readonly NpyArray[],
  dy: readonly NpyArray[] | undefined,
  masks: readonly NpyArray[] | undefined,
  wanted: Storage | "auto",
): NpyBatches {
  const isAnyWide = [...x, ...(dy ?? [])].some(({ dtype }) => dtype === "float64");
  const storage = wanted !== "auto" ? wanted : isAnyWide ? "float64" : "float32";
  const [channels = 1, ...positionExtents] = whole;
  const mask = masks?.map(({ data }) => Uint8Array.from(data, (value) => (value === 0 ? 0 : 1))) ?? null;
  const stored = (array: NpyArray, rank: number): FloatArray => {
    const rounded = isHalf(storage) ? array.data.map((value) => roundToHalf(value, storage)) : array.data;
    const copy = isWide(storage) ? new Float64Array(rounded) : new Float32Array(rounded);
    if (mask !== null) clearInvalid(copy, mask[rank]!, array.shape);
    return copy;
  };
  return {
    samples: x.map(({ shape }) => shape[0]!),
    channels,
    positionExtents,
    storage,
    x: x.map(stored),
    dy: dy?.map(stored) ?? null,
    mask,
  };
}

function clearInvalid(
  values: FloatArray,
  mask: Uint8Array,
  [, channels = 1, ...positionExtents]: readonly number[],
): void {
  const positions = positionExtents.reduce((product, extent) => product * extent, 1);
  for (let i = 0; i < values.length; i++) {
    if (mask[tokenOf(i, channels, positions)] === 0) values[i] = 0;
  }
}
