import { type Point, sweepPoints } from "../../sweep/points.ts";
import { readWritten } from "../scenario-files.ts";
import { pointKey, SweepFiles } from "./point-inputs.ts";

/** A point of a sweep by the key of its result. */
export interface KeyedPoint extends Point {
  readonly key: string;
  /** Content hash of each file that its scenario names. */
  readonly files: Readonly<Record<string, string>>;
}

/** The points of a sweep over a scenario file, and the files that they name. */
export interface SweepInput {
  readonly points: readonly KeyedPoint[];
  readonly files: SweepFiles;
  /** The scenario as it was written. */
  readonly text: string;
}

/**
 * Read the scenario file of a sweep, or standard input for `-`, and every file that its points name.
 *
 * @throws ScenarioError with what is wrong with the file, the grid, its points or their files.
 */
export async function readSweep(path: string, sets: readonly string[]): Promise<SweepInput> {
  const { name, text } = await readWritten(path);
  const files = new SweepFiles(path);
  const points = sweepPoints(text, name, sets).map((point) => {
    const hashes = files.hashes(point.scenario);
    return { ...point, files: hashes, key: pointKey(point.scenario, hashes) };
  });
  return { points, files, text };
}
