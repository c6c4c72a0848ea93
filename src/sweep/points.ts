import { type Fault, ScenarioError } from "../errors.ts";
import { readDocument } from "../scenario/document.ts";
import { parseScenario } from "../scenario/parse.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { withValueAt } from "./field-path.ts";
import { type Axis, gridOf, readAxes } from "./grid.ts";

/** One scenario of a sweep. */
export interface Point {
  /** The value at each path of the grid, in the order of the axes. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The scenario as it would be written: JSON, which `parseScenario` reads on any machine. */
  readonly written: string;
  readonly scenario: Scenario;
}

/** Faults that are shown; a fault of every point is one mistake, not ten thousand. */
const faultsShown = 20;

/**
 * The points of a sweep, in the order of its grid.
 *
 * @param text the scenario file; its `matrix` is part of the grid, not of a point.
 * @throws ScenarioError with the faults of the file, of the grid, or of points; those name the point.
 */
export function sweepPoints(text: string, file: string, sets: readonly string[]): Point[] {
  const document = readDocument(text, file);
  if (document.faults.length > 0 || !isMap(document.value)) parseScenario(text, file);
  const axes = readAxes(document, file, sets);
  const { matrix: _, ...base } = document.value as Readonly<Record<string, unknown>>;
  const placed = new PlacedFaults(text, file);
  const points = gridOf(axes).flatMap((values) => {
    const point = pointAt(base, axes, values, placed);
    return point === undefined ? [] : [point];
  });
  placed.throwFaults();
  return points;
}

/** `data.samples=2, mesh.data=8`. */
export function describePoint(values: Point["values"]): string {
  return Object.entries(values)
    .map(([path, value]) => `${path}=${formatValue(value)}`)
    .join(", ");
}

/** A value of the grid as text on one line: bare where it is plain text, else as JSON. */
export function formatValue(value: unknown): string {
  return typeof value === "string" && !/\p{Cc}/u.test(value) ? value : JSON.stringify(value);
}

function isMap(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pointAt(
  base: unknown,
  axes: readonly Axis[],
  combination: readonly unknown[],
  placed: PlacedFaults,
): Point | undefined {
  const values = Object.fromEntries(axes.map(({ path }, index) => [path, combination[index]]));
  let data = base;
  for (const [index, { path, fieldPath }] of axes.entries()) {
    const changed = withValueAt(data, fieldPath, combination[index]);
    if ("objection" in changed) {
      placed.add(describePoint(values), path, changed.objection);
      return undefined;
    }
    data = changed.value;
  }
  const written = JSON.stringify(data);
  try {
    return { values, written, scenario: parseScenario(written, describePoint(values)) };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    for (const { path, message } of error.faults) placed.add(describePoint(values), path, message);
    return undefined;
  }
}

/**
 * Faults of points. One that the file has by itself keeps its line and is said once; any other names
 * the first point that has it.
 */
class PlacedFaults {
  readonly #file: string;
  readonly #text: string;
  readonly #faults = new Map<string, Fault>();
  #own: readonly Fault[] | undefined;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  add(point: string, path: string, message: string): void {
    const id = `${path}: ${message}`;
    if (this.#faults.has(id)) return;
    this.#own ??= faultsOf(this.#text, this.#file);
    const own = this.#own.find((fault) => fault.path === path && fault.message === message);
    this.#faults.set(id, own ?? { file: `${this.#file} with ${point}`, path, message });
  }

  throwFaults(): void {
    const faults = [...this.#faults.values()];
    const more = faults.length - faultsShown;
    if (more > 0)
      faults.splice(faultsShown, more, {
        file: this.#file,
        path: "",
        message: `and ${more} more faults like these`,
      });
    if (faults.length > 0) throw new ScenarioError(faults);
  }
}

function faultsOf(text: string, file: string): readonly Fault[] {
  try {
    parseScenario(text, file);
    return [];
  } catch (error) {
    if (error instanceof ScenarioError) return error.faults;
    throw error;
  }
}
