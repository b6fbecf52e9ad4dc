/**
 * The memory that all spools of a proxy may take together. Whoever is refused goes to disk at once
 * instead of waiting: spools are held until there is a place to transform, or by slow clients.
 */
export class SpoolMemory {
  #limit: number;
  #used = 0;

  /** @param limit bytes; `Infinity` for no limit. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes taken now. */
  get used(): number {
    return this.#used;
  }

  /** Takes all of `bytes`, or nothing; tells which. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }

  resize(limit: number): void {
    this.#limit = limit;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Spools share at least so much, however small the budget of the transforms is. */
const LEAST_BYTES = 64 * 1024 * 1024;

/** Bytes that spools may take beside transforms that may take `budget` bytes: a quarter as much again. */
export function spoolShareOf(budget: number): number {
  return Math.max(LEAST_BYTES, Math.floor(budget / 4));
}
