import { type StorageSubject, storageConformance } from '@tintype/conformance';
import { describe, test } from 'vitest';
import { MemoryStorage } from './storage.ts';

const without = {
  sibling: 'two memory storages never share their data',
  leaks: 'memory holds neither sockets nor files',
  sabotage: 'nobody else can reach what is in this process’s memory',
  misconfigured: 'no setting of memory can be wrong once it was read',
  network: 'memory has no network',
  crash: 'memory does not survive its process',
} as const;

const create = (): StorageSubject => ({
  adapter: new MemoryStorage({ maxBytes: 0 }),
  capped: (maxBytes) => ({ adapter: new MemoryStorage({ maxBytes }) }),
  without,
});

storageConformance({
  name: 'memory',
  harness: { create },
  runner: { describe, test },
  record: new URL('../test/record/memory.json', import.meta.url),
});
