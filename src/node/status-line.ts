import { widthMaximum } from "./terminal-text.ts";

/** Work shorter than this needs no progress. */
const quietMilliseconds = 1000;

/** Least milliseconds between two updates: on a terminal, which rewrites its line, and elsewhere. */
export interface Pauses {
  readonly onTerminal: number;
  readonly elsewhere: number;
}

/** One line about work under way: rewritten on a terminal, a line now and then elsewhere, nothing for short work. */
export class StatusLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #pauses: Pauses;
  readonly #begun = performance.now();
  #lastShown = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream, pauses: Pauses) {
    this.#stream = stream;
    this.#pauses = pauses;
  }

  /** `lineOf` is told whether a terminal will rewrite the line. */
  show(lineOf: (isTerminal: boolean) => string): void {
    const elapsed = performance.now() - this.#begun;
    const isTerminal = this.#stream.isTTY === true;
    const pause = isTerminal ? this.#pauses.onTerminal : this.#pauses.elsewhere;
    if (elapsed < quietMilliseconds || elapsed - this.#lastShown < pause) return;
    this.#lastShown = elapsed;
    // A line that the terminal breaks could not be rewritten.
    const columns = this.#stream.columns ?? widthMaximum;
    this.#stream.write(isTerminal ? `\r\x1b[K${lineOf(true).slice(0, columns - 1)}` : `${lineOf(false)}\n`);
    this.#isShown = true;
  }

  /** Leave the terminal as it was. */
  clear(): void {
    if (this.#isShown && this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}
