import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ScenarioError } from "../../errors.ts";
import { readStoredReport } from "../../sweep/stored-report.ts";

/** The file in a folder of `--resume`. */
const fileName = "results.ndjson";

/** Reports of points by key, kept in a folder as one line each, as soon as they are there. */
export class ResultStore {
  readonly #file: string;
  readonly #reports = new Map<string, string>();

  /**
   * A line that was cut off when a sweep was killed, or that is no result, does not count.
   *
   * @throws ScenarioError if the folder cannot be read and written.
   */
  constructor(folder: string) {
    this.#file = join(folder, fileName);
    const text = openResults(folder, this.#file);
    for (const line of text.split("\n")) {
      const [, key, report] = /^\{"key":"([0-9a-f]{64})","report":(\{.*\})\}$/.exec(line) ?? [];
      if (key !== undefined && report !== undefined && readStoredReport(report) !== undefined)
        this.#reports.set(key, report);
    }
    // What is appended starts on a line of its own.
    if (text !== "" && !text.endsWith("\n")) appendFileSync(this.#file, "\n");
  }

  get(key: string): string | undefined {
    return this.#reports.get(key);
  }

  set(key: string, report: string): void {
    this.#reports.set(key, report);
    appendFileSync(this.#file, `{"key":"${key}","report":${report}}\n`);
  }
}

/** What the file holds; it is made where it is missing. */
function openResults(folder: string, file: string): string {
  try {
    mkdirSync(folder, { recursive: true });
    appendFileSync(file, "");
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `expected a folder where results can be kept; it cannot be used (${code})`;
    throw new ScenarioError([{ file: `--resume ${folder}`, path: "", message }]);
  }
}
