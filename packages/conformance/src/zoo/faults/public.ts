import {
  type CacheStorage,
  createStorage,
  type StorageAdapter,
  StorageError,
  type StorageOptions,
} from '@tintype/core';
import { intercepted } from '../../storage/intercepted.ts';
import { fault, type StorageFault } from '../fault.ts';

type PublicSide = (adapter: StorageAdapter, options: StorageOptions) => CacheStorage;

/** Core's public side around an adapter that is not quite the one that was given. */
function around(change: (adapter: StorageAdapter) => StorageAdapter, more: Partial<StorageOptions> = {}): PublicSide {
  return (adapter, options) => createStorage(change(adapter), { ...options, ...more });
}

/** Core's public side with some of its methods replaced. */
function replacing(replace: (storage: CacheStorage, adapter: StorageAdapter) => Partial<CacheStorage>): PublicSide {
  return (adapter, options) => {
    const storage = createStorage(adapter, options);
    const replaced = replace(storage, adapter);
    return new Proxy(storage, {
      get(target, name) {
        const member: unknown = Reflect.get(name in replaced ? replaced : target, name);
        return typeof member === 'function' ? member.bind(name in replaced ? replaced : target) : member;
      },
    });
  };
}

const context = { signal: new AbortController().signal };

/** Faults of the public side, and of what stands between it and an adapter. */
export const publicFaults: readonly StorageFault[] = [
  fault({
    name: 'public-close-forgotten',
    breaks: 'After `close` the storage goes on.',
    caughtBy: ['public.closed-after-close'],
    publicSide: replacing(() => ({ close: async () => undefined })),
  }),
  fault({
    name: 'public-keys-unchecked',
    breaks: 'Keys go to the adapter as they come.',
    caughtBy: [
      'public.keys-are-refused-before-io',
      'public.closed-after-close',
      'public.abort-reason',
      'public.errors-name-their-place',
    ],
    publicSide: replacing((_, adapter) => ({
      delete: async (key) => adapter.delete(key as Parameters<StorageAdapter['delete']>[0], undefined, context),
    })),
  }),
  fault({
    name: 'public-retries-everything',
    breaks: 'A lost answer is taken for a lost request.',
    caughtBy: ['public.nothing-is-applied-twice'],
    publicSide: around((adapter) =>
      intercepted(adapter, async ({ operation, proceed }) => {
        if (operation !== 'put') return proceed();
        try {
          return await proceed();
        } catch (error) {
          if (!StorageError.is(error)) throw error;
          throw new StorageError({ code: error.code, message: error.message, applied: 'no' });
        }
      }),
    ),
  }),
  fault({
    name: 'public-never-retries',
    breaks: 'What could be tried again is given up.',
    caughtBy: ['public.replayable-put-is-retried'],
    publicSide: (adapter, options) =>
      createStorage(adapter, { ...options, retry: { attempts: 1, baseMs: 1, maxMs: 1 } }),
  }),
  fault({
    name: 'public-wraps-reasons',
    breaks: 'An abort comes out as an error of the storage.',
    caughtBy: ['public.abort-reason'],
    publicSide: replacing((storage) => ({
      put: async (...given) => {
        try {
          return await storage.put(...given);
        } catch (cause) {
          if (!given[3]?.signal?.aborted) throw cause;
          throw new StorageError({ code: 'timeout', message: 'Aborted.', cause });
        }
      },
    })),
  }),
  fault({
    name: 'public-wraps-input-errors',
    breaks: 'The failure of a caller’s stream comes out as one of the storage.',
    caughtBy: ['public.failing-input'],
    publicSide: replacing((storage) => ({
      put: async (...given) => {
        try {
          return await storage.put(...given);
        } catch (cause) {
          if (StorageError.is(cause) || given[3]?.signal?.aborted) throw cause;
          throw new StorageError({ code: 'internal', message: 'The put failed.', cause });
        }
      },
    })),
  }),
  fault({
    name: 'public-size-ignored',
    breaks: 'The declared size of a stream is forgotten.',
    caughtBy: ['public.lying-size'],
    publicSide: replacing((storage) => ({
      put: (key, body, metadata, options) => storage.put(key, body, metadata, { ...options, size: undefined }),
    })),
  }),
  fault({
    name: 'public-metadata-shortened',
    breaks: 'Further headers of an entry are dropped.',
    caughtBy: ['public.metadata-round-trip'],
    publicSide: replacing((storage) => ({
      put: (key, body, metadata, options) => storage.put(key, body, { ...metadata, headers: undefined }, options),
    })),
  }),
  fault({
    name: 'public-limit-off-by-one',
    breaks: 'Metadata of exactly the declared size is refused.',
    caughtBy: ['public.metadata-limit'],
    publicSide: around(
      (adapter) =>
        new Proxy(adapter, {
          get(target, name) {
            const member: unknown = Reflect.get(target, name, target);
            if (name === 'capabilities')
              return { ...target.capabilities, maxMetadataBytes: target.capabilities.maxMetadataBytes - 1 };
            return typeof member === 'function' ? member.bind(target) : member;
          },
        }),
    ),
  }),
  fault({
    name: 'public-errors-anonymous',
    breaks: 'Errors do not say which key they are about.',
    caughtBy: ['public.errors-name-their-place'],
    publicSide: replacing((storage) => ({
      stat: async (...given) => {
        try {
          return await storage.stat(...given);
        } catch (error) {
          if (!StorageError.is(error)) throw error;
          throw new StorageError({ code: error.code, message: error.message });
        }
      },
    })),
  }),
];
