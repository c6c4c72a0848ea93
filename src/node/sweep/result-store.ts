import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readStoredReport } from "../../sweep/stored-report.ts";

/** The file in a folder of `--resume`. */
const fileName = "results.ndjson";

/** Reports of points by key, kept in a folder as one line each, as soon as they are there. */
export class ResultStore {
  readonly #file: string;
  readonly #reports = new Map<string, string>();

  /** A line that was cut off when a sweep was killed, or that is no result, does not count. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#file = join(folder, fileName);
    const text = existsSync(this.#file) ? readFileSync(this.#file, "utf8") : "";
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
