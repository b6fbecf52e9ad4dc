import { DeadlineTimer } from './deadline-timer.ts';

/** How long what seems late is still waited for, in milliseconds: its end may be here, and not looked at. */
const SECOND_LOOK_MS = 50;

/** Something that was begun and has not ended. */
interface Begun {
  readonly at: number;
  readonly onLate: () => void;
}

/**
 * What has been waited for too long. It is looked at when the next thing begins, which is soon enough,
 * because until then nobody waits; so watching costs next to nothing. What seems late then is looked at once
 * more a moment later, since the process itself may have stood still.
 */
export class Overdue {
  readonly #limitMs: number;
  readonly #now: () => number;
  /** In the order of beginning. */
  readonly #begun = new Set<Begun>();
  #isToBeLookedAt = false;

  /** @param now milliseconds on a clock that never jumps. */
  constructor(limitMs: number, now: () => number) {
    this.#limitMs = limitMs;
    this.#now = now;
  }

  /** Has `onLate` called of everything that is late by now and does not end in a moment; it is then forgotten. */
  sweep(): void {
    if (this.#isToBeLookedAt || this.#begun.size === 0) return;
    const since = this.#now() - this.#limitMs;
    const [oldest] = this.#begun;
    if (oldest === undefined || oldest.at > since) return;
    this.#isToBeLookedAt = true;
    new DeadlineTimer(SECOND_LOOK_MS, () => {
      this.#isToBeLookedAt = false;
      this.#forgetSince(since);
    });
  }

  #forgetSince(since: number): void {
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
