import type { NpyArray } from "./npy.ts";
import { roundTo } from "./number-format.ts";
import type { Storage } from "./scenario.ts";

// What speaks against using an array for what the scenario names it for: a sentence, or nothing.

/** x must hold floats: [N], [N, C] or [N, C, ...positions], none but N empty. */
export function activationObjection(array: NpyArray): string | undefined {
  if (array.shape.slice(1).includes(0))
    return `expected at least 1 channel and 1 position, got shape ${shapeText(array.shape)}`;
  return floatObjection(array);
}

/** All ranks have the same channels and positions. */
export function likenessObjection(array: NpyArray, first: NpyArray, firstFile: string): string | undefined {
  const want = `[N, ${featuresOf(first).join(", ")}]`;
  const got = `[N, ${featuresOf(array).join(", ")}]`;
  return want === got ? undefined : `expected ${want} as in ${firstFile}, got ${got}`;
}

/** dy has the shape of x, if that is known. */
export function gradientObjection(
  array: NpyArray,
  x: NpyArray | undefined,
  xFile: string,
): string | undefined {
  return floatObjection(array) ?? shapeObjection(array, x?.shape, xFile);
}

/** A mask is [N, ...positions] of its x, if that is known, and each value is zero or not. */
export function maskObjection(array: NpyArray, x: NpyArray | undefined, xFile: string): string | undefined {
  const tokens = x === undefined ? undefined : [x.shape[0]!, ...x.shape.slice(2)];
  const index = array.data.findIndex((value) => Number.isNaN(value));
  if (index >= 0) return `${indexText(index, array.shape)} is NaN: expected zero or nonzero`;
  return shapeObjection(array, tokens, xFile);
}

/** Every valid value is finite, and stays so in the wanted storage. The mask, if any, fits the array. */
export function valueObjection(
  array: NpyArray,
  mask: NpyArray | undefined,
  storage: Storage | "auto",
): string | undefined {
  const [, channels = 1, ...positionExtents] = array.shape;
  const positions = positionExtents.reduce((product, extent) => product * extent, 1);
  for (let i = 0; i < array.data.length; i++) {
    const value = array.data[i]!;
    if (Number.isFinite(storage === "auto" ? value : roundTo(storage, value))) continue;
    if (mask !== undefined && mask.data[tokenOf(i, channels, positions)] === 0) continue;
    const kept = Number.isFinite(value) ? `, infinite in ${storage}` : "";
    return `${indexText(i, array.shape)} is ${value}${kept}: expected finite numbers`;
  }
  return undefined;
}

/** Index in [N, L] of the token that an element of [N, C, L] belongs to. */
export function tokenOf(element: number, channels: number, positions: number): number {
  return Math.floor(element / (channels * positions)) * positions + (element % positions);
}

function floatObjection({ dtype }: NpyArray): string | undefined {
  if (dtype.startsWith("float") || dtype === "bfloat16") return undefined;
  return `expected float16, float32 or float64, got ${dtype}: save it with array.astype("<f4")`;
}

function shapeObjection(
  { shape }: NpyArray,
  wanted: readonly number[] | undefined,
  xFile: string,
): string | undefined {
  if (wanted === undefined || shapeText(wanted) === shapeText(shape)) return undefined;
  return `expected shape ${shapeText(wanted)} to go with ${xFile}, got ${shapeText(shape)}`;
}

/** C and positions. */
function featuresOf({ shape }: NpyArray): readonly number[] {
  return shape.length === 1 ? [1] : shape.slice(1);
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** `[3, 0, 1]`, counted from 0 as NumPy does. */
function indexText(element: number, shape: readonly number[]): string {
  let rest = element;
  const index = shape.toReversed().map((extent) => {
    const own = rest % extent;
    rest = Math.floor(rest / extent);
    return own;
  });
  return shapeText(index.toReversed());
}
