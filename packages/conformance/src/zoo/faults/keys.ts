import type {
  ByteRange,
  GetOutcome,
  ListedEntry,
  OperationContext,
  StorageKey,
  StoredMetadata,
  Version,
} from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';

type Rows = AsyncGenerator<ListedEntry, void>;

/** Changes what a key becomes in the backend. */
function naming(name: (key: string) => string): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override full(key: StorageKey): string {
      const given = super.full(key);
      const backend = name(given);
      this.data.givenNames.set(backend, given);
      return backend;
    }
    // Listings show the names as they were given, so that only the collisions are wrong.
    override async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
      const own = super.full('' as StorageKey);
      const rows: ListedEntry[] = [];
      this.answer();
      for (const [backend, stored] of this.data.entries) {
        const given = this.data.givenNames.get(backend) ?? backend;
        if (!given.startsWith(own)) continue;
        const key = given.slice(own.length) as StorageKey;
        if (!key.startsWith(prefix) || (after !== undefined && key <= after)) continue;
        rows.push({ key, size: stored.bytes.length, version: stored.version, modifiedAt: stored.modifiedAt });
      }
      await tick();
      context.signal.throwIfAborted();
      yield* rows.sort((a, b) => (a.key < b.key ? -1 : 1));
    }
  };
}

/** Faults of the names of entries. */
export const keyFaults: readonly StorageFault[] = [
  fault({
    name: 'underscore-is-a-dash',
    breaks: '`_` and `-` are the same character.',
    caughtBy: ['delete.spares-neighbours', 'list.byte-order', 'list.any-prefix', 'keys.alphabet', 'keys.nearly-equal'],
    storage: naming((key) => key.replaceAll('_', '-')),
  }),
  fault({
    name: 'keys-cut-at-255',
    breaks: 'Segments are cut at 255 bytes.',
    caughtBy: ['list.byte-order', 'list.any-prefix', 'list.after-is-exclusive', 'keys.longest'],
    storage: naming((key) =>
      key
        .split('/')
        .map((segment) => segment.slice(0, 255))
        .join('/'),
    ),
  }),
  fault({
    name: 'keys-cut-at-500',
    breaks: 'Keys are cut at 500 bytes.',
    caughtBy: ['keys.longest'],
    storage: naming((key) => key.slice(0, 500)),
  }),
  fault({
    name: 'slash-is-left-out',
    breaks: 'Slashes below the test’s folder do not count: `ab/c` is `a/bc`.',
    caughtBy: [
      'delete.spares-neighbours',
      'list.byte-order',
      'list.any-prefix',
      'list.after-is-exclusive',
      'keys.nearly-equal',
      'keys.look-like-something-else',
    ],
    storage: naming((key) => {
      const parts = key.split('/');
      return `${parts.slice(0, 3).join('/')}/${parts.slice(3).join('')}`;
    }),
  }),
  fault({
    name: 'folder-replaces-file',
    breaks: 'Putting `k/x` removes the entry `k`.',
    caughtBy: [
      'delete.spares-neighbours',
      'list.byte-order',
      'list.any-prefix',
      'list.after-is-exclusive',
      'keys.key-beside-its-extension',
      'keys.nearly-equal',
    ],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const version = super.commit(key, bytes, metadata);
        const parts = this.full(key).split('/');
        for (let i = 1; i < parts.length; i++) this.data.entries.delete(parts.slice(0, i).join('/'));
        return version;
      }
    },
  }),
  fault({
    name: 'leading-zeros-fold',
    breaks: 'Numbers in keys lose their leading zeros.',
    caughtBy: ['keys.nearly-equal', 'keys.look-like-something-else'],
    storage: naming((key) => key.replace(/(?<=[a-z/])0+(?=[0-9])/g, '')),
  }),
  fault({
    name: 'double-dots-fold',
    breaks: 'Runs of dots in a key become one.',
    caughtBy: ['keys.nearly-equal', 'keys.look-like-something-else'],
    storage: naming((key) => key.replace(/\.\.+/g, '.')),
  }),
  fault({
    name: 'index-is-the-folder',
    breaks: '`x/index` is the same as `x`.',
    caughtBy: ['keys.nearly-equal'],
    storage: naming((key) => key.replace(/\/index$/, '')),
  }),
  fault({
    name: 'temporary-suffix-swept',
    breaks: 'Keys that end in `.tmp`, `.part` or `.lock` are taken for debris.',
    caughtBy: ['keys.look-like-something-else'],
    storage: class extends ReferenceStorage {
      override commit(key: StorageKey, bytes: Uint8Array, metadata: StoredMetadata): Version {
        const version = super.commit(key, bytes, metadata);
        if (/\.(part|lock)$/.test(key)) this.data.entries.delete(this.full(key));
        return version;
      }
    },
  }),
  fault({
    name: 'reserved-metadata-name',
    breaks: 'The key `meta` is where the storage keeps its own notes.',
    caughtBy: ['keys.look-like-something-else'],
    storage: class extends ReferenceStorage {
      override async get(
        key: StorageKey,
        range: ByteRange | undefined,
        context: OperationContext,
      ): Promise<GetOutcome> {
        const outcome = await super.get(key, range, context);
        return key.endsWith('/meta') ? undefined : outcome;
      }
    },
  }),
  fault({
    name: 'operator-prefix-folded',
    breaks: 'The operator’s prefix is folded to lower case.',
    caughtBy: ['keys.operator-prefix-is-not-folded'],
    storage: class extends ReferenceStorage {
      override full(key: StorageKey): string {
        return super.full(key).toLowerCase();
      }
      override async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
        const own = this.full('' as StorageKey);
        this.answer();
        for (const full of [...this.data.entries.keys()].sort()) {
          const key = full.slice(own.length) as StorageKey;
          const stored = this.data.entries.get(full);
          if (!full.startsWith(own + prefix) || (after !== undefined && key <= after) || !stored) continue;
          yield { key, size: stored.bytes.length, version: stored.version, modifiedAt: stored.modifiedAt };
        }
        await tick();
        context.signal.throwIfAborted();
      }
    },
  }),
];
