import { type Fault, ScenarioError } from "../errors.ts";
import { readDocument, type ScenarioDocument } from "../scenario/document.ts";
import { type FieldPath, parseFieldPath } from "./field-path.ts";

/** One field of a scenario and the values it takes in a sweep. */
export interface Axis {
  /** As the user wrote it, such as `data.samples`. */
  readonly path: string;
  readonly fieldPath: FieldPath;
  /** At least one. */
  readonly values: readonly unknown[];
}

/** Points of a sweep; more are refused before any is made. */
export const pointsMaximum = 10_000;

/**
 * Axes of a sweep: those of `matrix:` in the scenario, then those of `--set`, which replaces an axis of
 * the matrix that has the same path.
 *
 * @param document the scenario file, whose `matrix` maps paths to lists of values.
 * @param sets texts such as `data.samples=1,2,4`; the values are written as in a YAML list.
 * @throws ScenarioError with every fault, also if there is no axis or are too many points.
 */
export function readAxes(document: ScenarioDocument, file: string, sets: readonly string[]): Axis[] {
  const faults: Fault[] = [];
  const axes = new Map<string, Axis>();
  for (const read of [...readMatrix(document), ...readSets(sets)]) {
    if ("fieldPath" in read) axes.set(read.path, read);
    else faults.push(read);
  }
  const points = [...axes.values()].reduce((product, { values }) => product * values.length, 1);
  if (axes.size === 0 && faults.length === 0)
    faults.push({
      file,
      path: "",
      message: "expected a grid: --set path=value,value or a matrix in the scenario",
    });
  if (points > pointsMaximum)
    faults.push({
      file,
      path: "",
      message: `expected at most ${pointsMaximum} points in the grid, got ${points}`,
    });
  if (faults.length > 0) throw new ScenarioError(faults);
  return [...axes.values()];
}

/** Every combination of the values, one per axis; the last axis changes fastest. */
export function gridOf(axes: readonly Axis[]): unknown[][] {
  return axes.reduce<unknown[][]>(
    (points, { values }) => points.flatMap((point) => values.map((value) => [...point, value])),
    [[]],
  );
}

function readMatrix(document: ScenarioDocument): (Axis | Fault)[] {
  const { value } = document;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "matrix")) return [];
  const { matrix } = value as { readonly matrix: unknown };
  if (typeof matrix !== "object" || matrix === null || Array.isArray(matrix))
    return [document.fault(["matrix"], "value", "expected a map of paths to lists of values")];
  return Object.entries(matrix).map(([path, values]) => {
    const fieldPath = parseFieldPath(path);
    const at = ["matrix", path];
    if (fieldPath === undefined) return document.fault(at, "key", badPath);
    if (!Array.isArray(values) || values.length === 0)
      return document.fault(at, "value", "expected a list of at least one value");
    return { path, fieldPath, values };
  });
}

const badPath = "expected the path of a field, such as data.samples or normalizers[0].group";

function readSets(sets: readonly string[]): (Axis | Fault)[] {
  const seen = new Set<string>();
  return sets.map((text) => {
    const file = `--set ${text}`;
    const [, path = "", list] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const fieldPath = parseFieldPath(path);
    if (list === undefined || fieldPath === undefined)
      return { file, path: "", message: `expected path=value,value; ${badPath}` };
    if (seen.has(path))
      return { file, path, message: "this path is set twice; write all its values in one --set" };
    seen.add(path);
    const values = valuesOf(list, file);
    if (!Array.isArray(values)) return values;
    return { path, fieldPath, values };
  });
}

function valuesOf(list: string, file: string): unknown[] | Fault {
  const expected = { file, path: "", message: "expected values such as 1,2,4 or [14, 14],[7, 7] after =" };
  try {
    const { value, faults } = readDocument(`[${list}]`, file);
    return Array.isArray(value) && value.length > 0 && faults.length === 0 ? value : expected;
  } catch (error) {
    if (error instanceof ScenarioError) return expected;
    throw error;
  }
}
