import type { CacheEntry } from '@tintype/http-cache';
import type { CacheStorage, GetHit } from '../contracts/storage.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { bytesWithin } from '../pipeline/whole-body.ts';
import { responseKey } from './response-key.ts';
import { indexMetadata, isIndex, readIndex, type VariantIndex, withEntry, writeIndex } from './variant-index.ts';

/** Longest time for each step of a change, in milliseconds. */
const CHANGE_DEADLINE_MS = 10_000;

/** The indexes of URLs that vary, in the storage of the responses that they tell of. */
export class StoredIndexes {
  readonly #storage: CacheStorage;
  readonly #clock: () => number;
  /** Changes of the index of a URL, one after the other. */
  readonly #changing = new Map<string, Promise<unknown>>();

  constructor(storage: CacheStorage, clock: () => number) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * Adds a response that was stored, and removes what it pushes out. An index that can't be read now stays
   * as it is, with all that it tells of; one that is damaged begins anew.
   *
   * @throws StorageError
   */
  add(primary: StorageKey, entry: CacheEntry, source: string): Promise<void> {
    const turn = (this.#changing.get(primary) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#add(primary, entry, source));
    this.#changing.set(primary, turn);
    return turn.finally(() => {
      if (this.#changing.get(primary) === turn) this.#changing.delete(primary);
    });
  }

  async #add(primary: StorageKey, entry: CacheEntry, source: string): Promise<void> {
    const before = await this.#at(primary);
    const { index, dropped } = withEntry(before, entry);
    if (JSON.stringify(index) === JSON.stringify(before)) return;
    const limits = { deadlineMs: CHANGE_DEADLINE_MS };
    await this.#storage.put(primary, writeIndex(index), indexMetadata(source, this.#clock()), limits);
    for (const vary of dropped) await this.#storage.delete(responseKey(primary, vary), limits);
  }

  /** The index under a key; an empty one where there is none, or another entry. @throws StorageError */
  async #at(primary: StorageKey): Promise<VariantIndex> {
    try {
      const found = await this.#storage.get(primary, { deadlineMs: CHANGE_DEADLINE_MS });
      if (found?.kind !== 'entry') return [];
      if (isIndex(found.metadata)) return await indexIn(found, CHANGE_DEADLINE_MS);
      found.body.discard().catch(() => undefined);
      return [];
    } catch (error) {
      if (StorageError.is(error) && error.code === 'corrupt') return [];
      throw error;
    }
  }
}

/** The index that an entry is. @throws StorageError */
export async function indexIn({ body }: GetHit, deadlineMs: number): Promise<VariantIndex> {
  return readIndex(await bytesWithin(body, deadlineMs));
}
