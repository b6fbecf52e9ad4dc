import type { ListedEntry, OperationContext, PutBody, StorageKey, StoredMetadata, Version } from '@tintype/core';
import { fault, type StorageFault } from '../fault.ts';
import { ReferenceStorage, tick } from '../reference-storage.ts';

type Rows = AsyncGenerator<ListedEntry, void>;

/** Replaces the listing; `sound` is the reference's. */
function listing(
  list: (
    sound: (prefix: string, after: StorageKey | undefined) => Rows,
    prefix: string,
    after: StorageKey | undefined,
    storage: ReferenceStorage,
  ) => Rows,
): typeof ReferenceStorage {
  return class extends ReferenceStorage {
    override list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
      return list((p, a) => super.list(p, a, context), prefix, after, this);
    }
  };
}

async function all(rows: Rows): Promise<ListedEntry[]> {
  const collected: ListedEntry[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

/** Faults of listings. */
export const listFaults: readonly StorageFault[] = [
  fault({
    name: 'list-never-ends',
    breaks: 'After 1,050 keys a listing gives the last one for ever, without ever waiting.',
    caughtBy: ['list.many-keys'],
    storage: listing(async function* (sound, prefix, after) {
      let count = 0;
      for await (const row of sound(prefix, after)) {
        yield row;
        while (count >= 1_050) yield row;
        count++;
      }
    }),
  }),
  fault({
    name: 'list-capped-at-1000',
    breaks: 'A listing ends after 1,000 keys.',
    caughtBy: ['list.many-keys'],
    storage: listing(async function* (sound, prefix, after) {
      let count = 0;
      for await (const row of sound(prefix, after)) {
        if (count++ === 1_000) return;
        yield row;
      }
    }),
  }),
  fault({
    name: 'list-page-overlaps',
    breaks: 'The last key of a page of 1,000 comes again as the first of the next.',
    caughtBy: ['list.many-keys'],
    storage: listing(async function* (sound, prefix, after) {
      let count = 0;
      for await (const row of sound(prefix, after)) {
        yield row;
        if (++count % 1_000 === 0) yield row;
      }
    }),
  }),
  fault({
    name: 'list-page-skips',
    breaks: 'The first key after a page of 1,000 is left out.',
    caughtBy: ['list.many-keys'],
    storage: listing(async function* (sound, prefix, after) {
      let count = 0;
      for await (const row of sound(prefix, after)) if (count++ % 1_001 !== 1_000) yield row;
    }),
  }),
  fault({
    name: 'list-one-level',
    breaks: 'A listing stops at the third level below its prefix.',
    caughtBy: ['list.is-complete', 'list.empty-prefix'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, after)) {
        if (row.key.slice(prefix.length).split('/').length <= 3) yield row;
      }
    }),
  }),
  fault({
    name: 'list-hides-dot-files',
    breaks: 'Keys with a segment that begins with a dot are not listed.',
    caughtBy: ['list.is-complete'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, after)) if (!row.key.includes('/.')) yield row;
    }),
  }),
  fault({
    name: 'list-in-order-of-arrival',
    breaks: 'Keys come in the order in which they were put.',
    caughtBy: ['list.is-complete', 'list.byte-order', 'list.any-prefix', 'list.after-is-exclusive', 'keys.longest'],
    storage: listing(async function* (sound, prefix, after, storage) {
      const arrival = [...storage.data.entries.keys()];
      const rows = await all(sound(prefix, after));
      rows.sort((a, b) => arrival.indexOf(storage.full(a.key)) - arrival.indexOf(storage.full(b.key)));
      // Small listings only: the cost is not the point.
      yield* rows.length > 500 ? await all(sound(prefix, after)) : rows;
    }),
  }),
  fault({
    name: 'list-folder-by-folder',
    breaks: 'A folder’s content comes before its neighbours: `a/x` before `a-b`.',
    caughtBy: ['list.byte-order', 'list.any-prefix', 'list.after-is-exclusive'],
    storage: listing(async function* (sound, prefix, after) {
      const order = (key: string) => key.replaceAll('/', '\u0000');
      yield* (await all(sound(prefix, after))).sort((a, b) => (order(a.key) < order(b.key) ? -1 : 1));
    }),
  }),
  fault({
    name: 'list-by-locale',
    breaks: 'Keys come in alphabetical order: punctuation is ignored at first.',
    caughtBy: ['list.is-complete', 'list.byte-order', 'list.any-prefix', 'list.after-is-exclusive'],
    storage: listing(async function* (sound, prefix, after) {
      const collator = new Intl.Collator('en', { ignorePunctuation: true });
      yield* (await all(sound(prefix, after))).sort((a, b) => collator.compare(a.key, b.key));
    }),
  }),
  fault({
    name: 'prefix-by-segment',
    breaks: 'A prefix that ends within a segment matches nothing.',
    caughtBy: ['list.any-prefix'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, after)) {
        const rest = row.key.slice(prefix.length);
        if (prefix === '' || prefix.endsWith('/') || rest === '' || rest.startsWith('/')) yield row;
      }
    }),
  }),
  fault({
    name: 'prefix-is-a-pattern',
    breaks: 'A prefix is taken for a regular expression.',
    caughtBy: ['list.any-prefix'],
    storage: listing(async function* (sound, prefix, after) {
      const pattern = new RegExp(`^${prefix}`);
      const outer = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      for await (const row of sound(outer, after)) if (pattern.test(row.key)) yield row;
    }),
  }),
  fault({
    name: 'empty-prefix-lists-nothing',
    breaks: 'The empty prefix lists nothing.',
    caughtBy: ['list.empty-prefix'],
    storage: listing(async function* (sound, prefix, after) {
      if (prefix !== '') yield* sound(prefix, after);
    }),
  }),
  fault({
    name: 'after-is-inclusive',
    breaks: '`after` itself is listed.',
    caughtBy: ['list.many-keys', 'list.after-is-exclusive'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, undefined)) if (after === undefined || row.key >= after) yield row;
    }),
  }),
  fault({
    name: 'after-must-exist',
    breaks: '`after` a key that does not exist begins at the start.',
    caughtBy: ['list.after-is-exclusive'],
    storage: listing(async function* (sound, prefix, after, storage) {
      const known = after !== undefined && storage.data.entries.has(storage.full(after));
      yield* sound(prefix, known ? after : undefined);
    }),
  }),
  fault({
    name: 'empty-listing-throws',
    breaks: 'A prefix below which there is nothing rejects.',
    caughtBy: ['list.nothing'],
    storage: listing(async function* (sound, prefix, after) {
      let count = 0;
      for await (const row of sound(prefix, after)) {
        count++;
        yield row;
      }
      if (count === 0 && prefix.endsWith('/nothing/')) throw new Error('ENOENT: no such folder');
    }),
  }),
  fault({
    name: 'list-size-of-blocks',
    breaks: 'Rows carry the size on disk instead of the body’s.',
    caughtBy: ['list.describes-entries'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, after)) yield { ...row, size: Math.ceil(row.size / 4096) * 4096 };
    }),
  }),
  fault({
    name: 'list-other-versions',
    breaks: 'Rows carry versions of another kind than reads.',
    caughtBy: ['list.describes-entries'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, after)) yield { ...row, version: `"${row.version}"` as Version };
    }),
  }),
  fault({
    name: 'modified-in-seconds',
    breaks: '`modifiedAt` is in seconds.',
    caughtBy: ['list.modified-at'],
    storage: listing(async function* (sound, prefix, after) {
      for await (const row of sound(prefix, after)) yield { ...row, modifiedAt: Math.floor(row.modifiedAt / 1_000) };
    }),
  }),
  fault({
    name: 'temporary-files-show',
    breaks: 'While a stream is stored, its temporary file is listed.',
    caughtBy: ['list.hides-the-unfinished'],
    storage: class extends ReferenceStorage {
      readonly #writing = new Set<string>();
      override async receive(
        body: PutBody,
        context: OperationContext,
        key: StorageKey,
        metadata: StoredMetadata,
      ): Promise<Uint8Array> {
        const temporary = `${key}.tmp1`;
        this.#writing.add(temporary);
        try {
          return await super.receive(body, context, key, metadata);
        } finally {
          this.#writing.delete(temporary);
        }
      }
      override async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
        yield* super.list(prefix, after, context);
        for (const key of this.#writing) {
          if (key.startsWith(prefix))
            yield { key: key as StorageKey, size: 0, version: undefined, modifiedAt: Date.now() };
        }
      }
    },
  }),
  fault({
    name: 'failed-puts-leave-parts',
    breaks: 'A put that fails leaves its parts, and they are listed.',
    caughtBy: ['list.hides-the-unfinished', 'resources.nothing-is-left'],
    storage: class extends ReferenceStorage {
      readonly #parts = new Set<string>();
      override async receive(
        body: PutBody,
        context: OperationContext,
        key: StorageKey,
        metadata: StoredMetadata,
      ): Promise<Uint8Array> {
        try {
          return await super.receive(body, context, key, metadata);
        } catch (error) {
          this.#parts.add(`${key}.part`);
          throw error;
        }
      }
      override async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
        yield* super.list(prefix, after, context);
        for (const key of this.#parts) {
          if (key.startsWith(prefix))
            yield { key: key as StorageKey, size: 0, version: undefined, modifiedAt: Date.now() };
        }
      }
    },
  }),
  fault({
    name: 'list-by-offset',
    breaks: 'Pages are counted: a key that goes meanwhile makes another one disappear.',
    caughtBy: ['list.while-changing'],
    perhapsBy: ['list.many-keys'],
    storage: listing(async function* (sound, prefix, after) {
      for (let offset = 0; ; offset += 50) {
        const page = (await all(sound(prefix, after))).slice(offset, offset + 50);
        yield* page;
        if (page.length < 50) return;
        await tick();
      }
    }),
  }),
  fault({
    name: 'listings-share-a-cursor',
    breaks: 'Two listings at the same time share their place.',
    caughtBy: ['list.may-be-left-early'],
    storage: class extends ReferenceStorage {
      #page: ListedEntry[] = [];
      #place = 0;
      #running = 0;
      override async *list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
        if (!prefix.endsWith('/')) return yield* super.list(prefix, after, context);
        const page = await all(super.list(prefix, after, context));
        if (this.#running === 0) [this.#page, this.#place] = [page, 0];
        this.#running++;
        try {
          while (this.#place < this.#page.length) yield this.#page[this.#place++] as ListedEntry;
        } finally {
          this.#running--;
        }
      }
    },
  }),
  fault({
    name: 'left-listing-blocks-the-next',
    breaks: 'A listing that is left early keeps its lock, and the next waits for it.',
    caughtBy: ['list.may-be-left-early'],
    // Whatever lists after a listing that was left early hangs as well.
    perhapsBy: ['errors.outage-is-told', 'resources.nothing-is-left'],
    storage: class extends ReferenceStorage {
      #locked = false;
      override list(prefix: string, after: StorageKey | undefined, context: OperationContext): Rows {
        const rows = super.list(prefix, after, context);
        const lock = async () => {
          while (this.#locked) await new Promise((resolve) => setTimeout(resolve, 20));
          this.#locked = true;
        };
        let begun = false;
        const iterator: Rows = {
          next: async () => {
            if (!begun) await lock();
            begun = true;
            const step = await rows.next();
            if (step.done) this.#locked = false;
            return step;
          },
          return: async () => ({ done: true, value: undefined }),
          throw: async (error) => Promise.reject(error),
          [Symbol.asyncIterator]: () => iterator,
          [Symbol.asyncDispose]: async () => undefined,
        };
        return iterator;
      }
    },
  }),
];
