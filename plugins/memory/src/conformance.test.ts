import { storageConformance } from '@tintype/conformance';
import { describe, test } from 'vitest';
import { MemoryStorage } from './storage.ts';

storageConformance({
  name: 'memory',
  harness: { create: () => ({ adapter: new MemoryStorage({ maxBytes: 0 }) }) },
  runner: { describe, test },
});
