import { StatusLine } from "../status-line.ts";

const cells = 30;

/** The progress of a sweep on a stream: a bar on a terminal, now and then a line elsewhere. */
export class ProgressBar {
  readonly #line: StatusLine;
  readonly #total: number;

  constructor(stream: NodeJS.WriteStream, total: number) {
    this.#line = new StatusLine(stream, { onTerminal: 0, elsewhere: 5000 });
    this.#total = total;
  }

  /** `note` follows the bar. */
  show(done: number, note: string): void {
    this.#line.show((isTerminal) => {
      const text = `${done} of ${this.#total} points${note === "" ? "" : `, ${note}`}`;
      const filled = Math.floor((cells * done) / this.#total);
      return isTerminal ? `[${"#".repeat(filled)}${".".repeat(cells - filled)}] ${text}` : text;
    });
  }

  /** Leave the terminal as it was. */
  clear(): void {
    this.#line.clear();
  }
}
