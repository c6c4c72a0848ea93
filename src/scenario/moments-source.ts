import { type Fault, ScenarioError } from "../errors.ts";
import type { MomentsSource } from "./data-source.ts";
import { FormatError } from "./format-error.ts";
import { parseJsonMap } from "./json-bytes.ts";
import { quoted } from "./npy-header.ts";
import type { ChannelMoments, NpyBatches } from "./npy-source.ts";
import type { Mesh, Storage } from "./scenario.ts";
import { didYouMean } from "./suggestion.ts";

/** One line of a file. */
interface MomentsLine extends ChannelMoments {
  readonly step: number;
  readonly rank: number;
  readonly layer: string;
}

const keys = ["step", "rank", "layer", "count", "mean", "m2"] as const;
/** A line of 2^20 channels fits; beyond that a file is not made of lines. */
const lineBytesMaximum = 2 ** 26;
/** A map of lists. */
const depthMaximum = 2;
/** Faults that are shown; a fault of every line is one mistake. */
const faultsShown = 20;

/**
 * Read the moments of one layer: a line of JSON for each step and rank, in any order, over any files.
 *
 * The steps of the file, ascending, are the microbatches of the run; each must have every rank.
 *
 * @param read gives the bytes of a path of the scenario, or says why there are none.
 * @throws ScenarioError with the faults of all files, by line.
 */
export function resolveMomentsSource(
  { files, layer }: MomentsSource,
  storage: Storage | "auto",
  read: (path: string) => Uint8Array | Fault,
  mesh: Mesh,
): NpyBatches {
  const faults: Fault[] = [];
  const lines = new LineList(mesh.data, layer);
  for (const file of files) {
    const bytes = read(file);
    if (!(bytes instanceof Uint8Array)) faults.push(bytes);
    else
      for (const [index, line] of linesOf(bytes).entries()) {
        const message = messageOf(() => lines.add(parseLine(line)));
        if (message !== undefined) faults.push({ file, line: index + 1, path: "", message });
        if (faults.length === faultsShown) throw new ScenarioError(faults);
      }
  }
  if (faults.length > 0) throw new ScenarioError(faults);
  const message = messageOf(() => lines.checkComplete());
  if (message !== undefined) throw new ScenarioError([{ file: files[0]!, path: "", message }]);
  const { moments, channels } = lines;
  return {
    samples: moments.at(-1)!.map(({ count }) => count),
    channels,
    positionExtents: [],
    storage: storage === "auto" ? "float32" : storage,
    x: [],
    dy: null,
    mask: null,
    moments,
  };
}

function messageOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** The lines of a file; an empty one at its end is none. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function parseLine(bytes: Uint8Array): MomentsLine {
  const expected = `{${keys.map((key) => `"${key}"`).join(", ")}}`;
  if (bytes.length > lineBytesMaximum)
    throw new FormatError(`has ${bytes.length} bytes: expected at most ${lineBytesMaximum} for ${expected}`);
  const map = parseJsonMap(bytes, depthMaximum, { what: "the line", expected });
  const unknown = Object.keys(map).find((key) => !(keys as readonly string[]).includes(key));
  if (unknown !== undefined)
    throw new FormatError(`the key ${quoted(unknown)} is unknown: expected ${expected}`);
  const { step, rank, layer, count, mean, m2 } = map as Readonly<Partial<Record<string, unknown>>>;
  if (typeof layer !== "string") throw new FormatError("expected the name of a layer as text");
  const line = {
    step: natural("step", step),
    rank: natural("rank", rank),
    layer,
    count: natural("count", count),
    mean: numbers("mean", mean),
    m2: numbers("m2", m2),
  };
  refuseUnsound(line);
  return line;
}

function natural(key: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new FormatError(`expected a whole number as ${key}, got ${quoted(JSON.stringify(value) ?? "none")}`);
}

function numbers(key: string, value: unknown): Float64Array {
  if (!Array.isArray(value) || value.length === 0)
    throw new FormatError(`expected a list of one number for each channel as ${key}`);
  const wrong = value.findIndex((it) => typeof it !== "number" || !Number.isFinite(it));
  if (wrong < 0) return Float64Array.from(value as number[]);
  throw new FormatError(`${key}[${wrong}]: expected a number, got ${quoted(JSON.stringify(value[wrong]))}`);
}

/** What no values have as moments. */
function refuseUnsound({ count, mean, m2 }: MomentsLine): void {
  if (mean.length !== m2.length)
    throw new FormatError(`expected as many numbers in mean as in m2, got ${mean.length} and ${m2.length}`);
  const negative = m2.findIndex((value) => value < 0);
  if (negative >= 0) throw new FormatError(`m2[${negative}]: expected a sum of squares, got ${m2[negative]}`);
  if (count < 2 && m2.some((value) => value > 0))
    throw new FormatError(`expected an m2 of zeros where count is ${count}`);
  if (count === 0 && mean.some((value) => value !== 0))
    throw new FormatError("expected a mean of zeros where count is 0");
}

/** Collects the lines of one layer. */
class LineList {
  channels = 0;
  readonly #worldSize: number;
  readonly #layer: string | undefined;
  readonly #steps = new Map<number, Map<number, ChannelMoments>>();
  readonly #layers = new Set<string>();

  constructor(worldSize: number, layer: string | undefined) {
    this.#worldSize = worldSize;
    this.#layer = layer;
  }

  /** By step and rank, both ascending. */
  get moments(): ChannelMoments[][] {
    return [...this.#steps]
      .sort(([a], [b]) => a - b)
      .map(([, ranks]) => [...ranks].sort(([a], [b]) => a - b).map(([, moments]) => moments));
  }

  add({ step, rank, layer, ...moments }: MomentsLine): void {
    this.#layers.add(layer);
    const wanted = this.#layer ?? [...this.#layers][0];
    if (layer !== wanted) {
      if (this.#layer !== undefined) return;
      throw new FormatError(
        `expected data.layer, since there are lines of ${quoted(wanted!)} and ${quoted(layer)}`,
      );
    }
    if (rank >= this.#worldSize)
      throw new FormatError(`expected less than the ${this.#worldSize} ranks of the mesh, got rank ${rank}`);
    const channels = moments.mean.length;
    if (this.channels === 0) this.channels = channels;
    if (channels !== this.channels)
      throw new FormatError(`expected ${this.channels} channels, as in the lines before, got ${channels}`);
    const ranks = this.#steps.get(step) ?? new Map<number, ChannelMoments>();
    this.#steps.set(step, ranks);
    if (ranks.has(rank)) throw new FormatError(`got step ${step} of rank ${rank} twice`);
    ranks.set(rank, moments);
  }

  checkComplete(): void {
    if (this.#steps.size === 0) {
      const shown = [...this.#layers].slice(0, 10).map(quoted).join(", ");
      const what =
        this.#layers.size === 0 ? "lines, got none" : `lines of ${quoted(this.#layer!)}, got ${shown}`;
      throw new FormatError(`expected ${what}${didYouMean(this.#layer, [...this.#layers])}`);
    }
    for (const [step, ranks] of this.#steps)
      for (let rank = 0; rank < this.#worldSize; rank++)
        if (!ranks.has(rank))
          throw new FormatError(
            `expected a line for each of the ${this.#worldSize} ranks: step ${step} has none of rank ${rank}`,
          );
    for (const [step, ranks] of this.#steps)
      if ([...ranks.values()].every(({ count }) => count === 0))
        throw new FormatError(`expected values on at least one rank, step ${step} has none`);
  }
}
