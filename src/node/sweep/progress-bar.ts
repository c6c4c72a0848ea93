/** Work shorter than this needs no progress. */
const quietMilliseconds = 1000;
/** Between two lines where there is no terminal to rewrite one. */
const betweenMilliseconds = 5000;
const cells = 30;

/** The progress of a sweep on a stream: a bar that is rewritten on a terminal, now and then a line elsewhere. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  readonly #total: number;
  readonly #begun = performance.now();
  #lastShown = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream, total: number) {
    this.#stream = stream;
    this.#total = total;
  }

  /** `note` follows the bar. */
  show(done: number, note: string): void {
    const elapsed = performance.now() - this.#begun;
    const pause = this.#stream.isTTY ? 0 : betweenMilliseconds;
    if (elapsed < quietMilliseconds || elapsed - this.#lastShown < pause) return;
    this.#lastShown = elapsed;
    const line = `${done} of ${this.#total} points${note === "" ? "" : `, ${note}`}`;
    if (this.#stream.isTTY) {
      const filled = Math.floor((cells * done) / this.#total);
      this.#stream.write(`\r\x1b[K[${"#".repeat(filled)}${".".repeat(cells - filled)}] ${line}`);
    } else this.#stream.write(`${line}\n`);
    this.#isShown = true;
  }

  /** Leave the terminal as it was. */
  clear(): void {
    if (this.#isShown && this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}
