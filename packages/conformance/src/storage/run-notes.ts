import type { StorageKey } from '@tintype/core';

/** How long an eventual store took until what was written showed. */
export interface Settling {
  /** How often something was waited for. */
  readonly waits: number;
  /** The longest of these waits, in milliseconds. */
  readonly longestMs: number;
}

/** What the clients of a run note together. */
export class RunNotes {
  /** Times of the last write by key, for backends with a `minWriteIntervalMs`. */
  readonly writes: Map<StorageKey, number> = new Map();
  #waits = 0;
  #longestMs = 0;

  /** What was looked for showed `ms` milliseconds after the first look. */
  settledAfter(ms: number): void {
    this.#waits += 1;
    this.#longestMs = Math.max(this.#longestMs, ms);
  }

  get settling(): Settling {
    return { waits: this.#waits, longestMs: this.#longestMs };
  }
}
