/** Something that was begun and has not ended. */
interface Begun {
  readonly at: number;
  readonly onLate: () => void;
}

/**
 * What has been waited for too long. There are no timers: it is looked at when the next thing begins,
 * which is soon enough, because until then nobody waits; so watching costs next to nothing.
 */
export class Overdue {
  readonly #limitMs: number;
  readonly #now: () => number;
  /** In the order of beginning. */
  readonly #begun = new Set<Begun>();

  /** @param now milliseconds on a clock that never jumps. */
  constructor(limitMs: number, now: () => number) {
    this.#limitMs = limitMs;
    this.#now = now;
  }

  /** Calls `onLate` of everything that is late by now; it is then forgotten. */
  sweep(): void {
    if (this.#begun.size === 0) return;
    const since = this.#now() - this.#limitMs;
    for (const begun of this.#begun) {
      if (begun.at > since) return;
      this.#begun.delete(begun);
      begun.onLate();
    }
  }

  /**
   * Begins to watch.
   *
   * @returns to be called at the end: whether it ended before it was found late.
   */
  begin(onLate: () => void): () => boolean {
    const begun = { at: this.#now(), onLate };
    this.#begun.add(begun);
    return () => this.#begun.delete(begun);
  }
}
