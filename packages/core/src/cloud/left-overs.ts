/** How many are remembered; a backend that lets nothing be removed must not fill the memory. */
const MOST = 100;

/**
 * What a failed upload has left in a backend and is to be removed: tried at once, and again with each
 * `tidy` until it is gone. Of more than a hundred that cannot be removed the oldest are forgotten.
 */
export class LeftOvers<T> {
  readonly #remove: (item: T) => Promise<void>;
  readonly #items = new Set<T>();
  #tidying: Promise<void> | undefined;

  /** @param remove resolves once the item is gone, or never can be removed; rejects to be called again. */
  constructor(remove: (item: T) => Promise<void>) {
    this.#remove = remove;
  }

  /** Removes it now, and if that fails later. Never rejects. */
  async remove(item: T): Promise<void> {
    this.#items.add(item);
    for (const oldest of this.#items) {
      if (this.#items.size <= MOST) break;
      this.#items.delete(oldest);
    }
    try {
      await this.#remove(item);
      this.#items.delete(item);
    } catch {
      // Tried again by `tidy`.
    }
  }

  /** Tries once more what could not be removed so far; one time at a time. Never rejects. */
  tidy(): Promise<void> {
    this.#tidying ??= Promise.all([...this.#items].map((item) => this.remove(item))).then(() => {
      this.#tidying = undefined;
    });
    return this.#tidying;
  }
}
