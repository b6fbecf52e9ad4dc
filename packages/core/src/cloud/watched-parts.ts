import type { Part } from './parts.ts';

/** Parts that remember why the caller's own body failed: that error comes out of `put` unchanged. */
export class WatchedParts implements AsyncIterator<Part> {
  readonly #parts: AsyncGenerator<Part, void>;
  failure: { readonly error: unknown } | undefined;

  constructor(source: AsyncGenerator<Part, void>) {
    this.#parts = source;
  }

  async next(): Promise<IteratorResult<Part, void>> {
    try {
      return await this.#parts.next();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** The part that there always is. */
  async first(): Promise<Part> {
    const { value } = await this.next();
    if (!value) throw new Error('A body has at least one part.');
    return value;
  }

  async return(): Promise<IteratorResult<Part, void>> {
    return this.#parts.return();
  }
}
