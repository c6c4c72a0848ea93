/** Calls on a thread that are under way. A Comlink call on a dead thread never settles, so every call also hangs on what the host knows of it. */
export class PendingCalls {
  readonly #rejects = new Set<(error: Error) => void>();

  get count(): number {
    return this.#rejects.size;
  }

  /** A call that settles with `call`, or when `fail` is called. */
  settle<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      call.then(resolve, reject).finally(() => this.#rejects.delete(reject));
    });
  }

  /** Reject every call that is under way; returns how many there were. */
  fail(error: Error): number {
    const rejects = [...this.#rejects];
    this.#rejects.clear();
    for (const reject of rejects) reject(error);
    return rejects.length;
  }
}
