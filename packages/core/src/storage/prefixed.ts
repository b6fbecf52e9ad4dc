import type { StorageCapabilities } from '../contracts/capabilities.ts';
import type {
  Awaitable,
  ByteRange,
  CheckResult,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  OperationContext,
  PutBody,
  PutCondition,
  StorageAdapter,
  StoredMetadata,
  Version,
  VersionCondition,
} from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { MAX_KEY_BYTES, type StorageKey } from '../contracts/storage-key.ts';

/** Why `prefix` can't stand before keys, as a clause that completes "… "; `undefined` if it can. */
export function whyNotAPrefix(prefix: string): string | undefined {
  const foreign = /[^A-Za-z0-9._/-]/.exec(prefix);
  if (foreign) return `contains ${JSON.stringify(foreign[0])}, allowed are A-Z a-z 0-9 . _ / -`;
  for (const segment of prefix.replace(/\/$/, '').split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment.endsWith('.')) return 'has a segment that ends in "."';
  }
  if (prefix.length > MAX_KEY_BYTES / 2) return `has ${prefix.length} bytes, ${MAX_KEY_BYTES / 2} are allowed`;
  return undefined;
}

/**
 * The part of `storage` below `prefix`, as a storage of its own: what an operator's
 * `TINTYPE_CACHE_PATH_PREFIX` makes. The prefix may hold upper case; a slash is put after it.
 *
 * @throws StorageError `invalid-argument` if the prefix is malformed.
 */
export function prefixed(storage: StorageAdapter, prefix: string): StorageAdapter {
  const reason = whyNotAPrefix(prefix);
  if (reason !== undefined) {
    throw new StorageError({ code: 'invalid-argument', message: `The prefix ${JSON.stringify(prefix)} ${reason}.` });
  }
  return new PrefixedStorage(storage, prefix.endsWith('/') ? prefix : `${prefix}/`);
}

class PrefixedStorage implements StorageAdapter {
  readonly #storage: StorageAdapter;
  readonly #prefix: string;

  constructor(storage: StorageAdapter, prefix: string) {
    this.#storage = storage;
    this.#prefix = prefix;
  }

  get capabilities(): StorageCapabilities {
    return this.#storage.capabilities;
  }

  open(context: OperationContext): Promise<void> {
    return this.#storage.open(context);
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  get(key: StorageKey, range: ByteRange | undefined, context: OperationContext): Awaitable<GetOutcome> {
    return this.#storage.get(this.#full(key), range, context);
  }

  stat(key: StorageKey, context: OperationContext): Awaitable<EntryInfo | undefined> {
    return this.#storage.stat(this.#full(key), context);
  }

  async put(
    key: StorageKey,
    body: PutBody,
    metadata: StoredMetadata,
    condition: PutCondition | undefined,
    context: OperationContext,
  ): Promise<Version> {
    return this.#storage.put(this.#full(key), body, metadata, condition, context);
  }

  async setMetadata(
    key: StorageKey,
    metadata: StoredMetadata,
    condition: VersionCondition | undefined,
    context: OperationContext,
  ): Promise<Version | undefined> {
    return this.#storage.setMetadata(this.#full(key), metadata, condition, context);
  }

  async delete(key: StorageKey, condition: VersionCondition | undefined, context: OperationContext): Promise<void> {
    return this.#storage.delete(this.#full(key), condition, context);
  }

  async *list(
    prefix: string,
    after: StorageKey | undefined,
    context: OperationContext,
  ): AsyncGenerator<ListedEntry, void> {
    const from = after === undefined ? undefined : this.#full(after);
    for await (const entry of this.#storage.list(this.#prefix + prefix, from, context)) {
      yield { ...entry, key: entry.key.slice(this.#prefix.length) as StorageKey };
    }
  }

  check(context: OperationContext): Promise<CheckResult> {
    return this.#storage.check(context);
  }

  #full(key: StorageKey): StorageKey {
    const full = this.#prefix + key;
    if (full.length > MAX_KEY_BYTES) {
      throw new StorageError({
        code: 'invalid-argument',
        message: `The key has ${full.length} bytes with its prefix, ${MAX_KEY_BYTES} are allowed.`,
      });
    }
    return full as StorageKey;
  }
}
