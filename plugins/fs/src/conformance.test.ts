import { tmpdir } from 'node:os';
import { storageConformance } from '@tintype/conformance';
import { describe, test } from 'vitest';
import { fsSubject } from '../test/conformance-subject.ts';
import { entryPath } from './key-path.ts';
import { FsStorage } from './storage.ts';

const module = { FsStorage, entryPath, url: new URL('./storage.ts', import.meta.url).href };

storageConformance({
  name: 'fs',
  harness: { create: () => fsSubject(module, tmpdir()) },
  runner: { describe, test },
  record: new URL('../test/record/fs.json', import.meta.url),
});
