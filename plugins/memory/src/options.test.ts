import { MIN_METADATA_BYTES } from '@tintype/core';
import { expect, test } from 'vitest';
import { checkMemoryOptions } from './options.ts';
import { MemoryStorage } from './storage.ts';

const scope = { bucket: '', variablePrefix: 'TINTYPE_CACHE_MEMORY_', bucketVariable: 'TINTYPE_CACHE_BUCKET' };

test.each([1, 5_599])('a cap of %i bytes is refused: not even the metadata of an entry would fit', (maxBytes) => {
  expect(() => checkMemoryOptions({ maxBytes }, scope)).toThrow(
    `TINTYPE_CACHE_MEMORY_MAX_BYTES is ${maxBytes}; expected at least 5600 bytes, or 0 for no limit.`,
  );
});

test.each([0, 5_600, 1_000_000])('with a cap of %i bytes it holds the metadata that every storage must', (maxBytes) => {
  checkMemoryOptions({ maxBytes }, scope);
  expect(new MemoryStorage({ maxBytes }).capabilities.maxMetadataBytes).toBeGreaterThanOrEqual(MIN_METADATA_BYTES);
});
