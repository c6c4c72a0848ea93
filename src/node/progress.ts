/** Work shorter than this needs no progress. */
const quietMilliseconds = 1000;
const betweenMilliseconds = 200;

/** Reports progress on a stream: one line that is rewritten on a terminal, a line every second elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #begun = performance.now();
  #lastShown = 0;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(done: number, total: number, what: string): void {
    const elapsed = performance.now() - this.#begun;
    const pause = this.#stream.isTTY ? betweenMilliseconds : quietMilliseconds;
    if (elapsed < quietMilliseconds || elapsed - this.#lastShown < pause) return;
    this.#lastShown = elapsed;
    const line = `${done} of ${total} passes, ${what}`;
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    this.#isShown = true;
  }

  /** Leave the terminal as it was. */
  clear(): void {
    if (this.#isShown && this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}
