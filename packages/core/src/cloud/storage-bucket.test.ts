import { expect, test } from 'vitest';
import { isListedKey, requiredBucket } from './storage-bucket.ts';

const scopeOf = (bucket: string) => ({
  bucket,
  bucketVariable: 'TINTYPE_CACHE_BUCKET',
  variablePrefix: 'TINTYPE_CACHE_GCS_',
});

test('a bucket that is named, and can be one, is the bucket', () => {
  expect(requiredBucket(scopeOf('Photos'), 's3', 'bucket')).toBe('Photos');
  expect(requiredBucket(scopeOf('photos'), 'gcs', 'bucket', (name) => name === 'photos')).toBe('photos');
});

test.each([
  ['', 'TINTYPE_CACHE_BUCKET is required for the storage gcs.'],
  ['a/b', 'TINTYPE_CACHE_BUCKET is "a/b", which cannot be the name of a bucket.'],
])('%j is refused by its variable', (bucket, message) => {
  expect(() => requiredBucket(scopeOf(bucket), 'gcs', 'bucket', (name) => !name.includes('/'))).toThrow(message);
});

test('of what a listing names only keys are entries, also below a prefix with capitals', () => {
  const names = ['a/b.webp', 'V1/a', '~tintype-probe-1', 'a b', '/a', '', undefined];
  expect(names.filter(isListedKey)).toEqual(['a/b.webp', 'V1/a']);
});
