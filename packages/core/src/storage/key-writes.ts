interface KeyState {
  writers: number;
  /** Tasks queued or running in turn. */
  tasks: number;
  tail: Promise<unknown>;
}

/**
 * Who writes which key right now, and whether a key was written since some moment: what a tier needs
 * to know before it keeps a copy. Holds state only for keys that are busy.
 */
export class KeyWrites {
  readonly #busy = new Map<string, KeyState>();
  /**
   * Writes of any key, counted at begin and end. A mark of it costs nothing per key, at the price
   * that `untouchedSince` must remember when each busy key was last written.
   */
  #clock = 0;
  readonly #lastWrite = new Map<string, number>();
  /** Writes before this moment are forgotten; a mark older than it counts as touched. */
  #horizon = 0;

  /** The present moment, to be asked about later. */
  mark(): number {
    return this.#clock;
  }

  /**
   * Announces a write; returns how to end it, which may be called twice. Ending gives a mark, or
   * `undefined` if another write of the key overlapped: then nobody here knows which came last.
   */
  begin(key: string): () => number | undefined {
    const state = this.#state(key);
    state.writers++;
    const alone = state.writers === 1;
    const begun = this.#touch(key);
    let ended: { readonly mark: number | undefined } | undefined;
    return () => {
      if (ended === undefined) {
        const undisturbed = alone && this.#lastWrite.get(key) === begun;
        const now = this.#touch(key);
        ended = { mark: undisturbed ? now : undefined };
        state.writers--;
        this.#release(key, state);
      }
      return ended.mark;
    };
  }

  untouchedSince(key: string, mark: number): boolean {
    if (mark < this.#horizon) return false;
    return (this.#busy.get(key)?.writers ?? 0) === 0 && (this.#lastWrite.get(key) ?? 0) <= mark;
  }

  /** Runs `task` after all earlier tasks of this key. */
  async inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const state = this.#state(key);
    state.tasks++;
    const run = state.tail.then(task, task);
    state.tail = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      state.tasks--;
      this.#release(key, state);
    }
  }

  #touch(key: string): number {
    const now = ++this.#clock;
    this.#lastWrite.delete(key);
    this.#lastWrite.set(key, now);
    if (this.#lastWrite.size > 10_000) {
      const oldest = this.#lastWrite.entries().next().value;
      if (oldest) {
        this.#lastWrite.delete(oldest[0]);
        this.#horizon = Math.max(this.#horizon, oldest[1]);
      }
    }
    return now;
  }

  #state(key: string): KeyState {
    let state = this.#busy.get(key);
    if (state === undefined) {
      state = { writers: 0, tasks: 0, tail: Promise.resolve() };
      this.#busy.set(key, state);
    }
    return state;
  }

  #release(key: string, state: KeyState): void {
    if (state.writers === 0 && state.tasks === 0) this.#busy.delete(key);
  }
}
