import { isPlugin, type StorageScope } from '@tintype/core';
import { expect, test } from 'vitest';
import { bucketFolder } from './bucket-folder.ts';
import fs, { fsOptions, localOptions } from './index.ts';

const scope = (bucket: string): StorageScope => ({
  bucket,
  variablePrefix: 'TINTYPE_CACHE_FS_',
  bucketVariable: 'TINTYPE_CACHE_BUCKET',
});

test('the package exports a plugin', () => {
  expect([isPlugin(fs), fs.name]).toEqual([true, '@tintype/fs']);
});

test('the cache is never unlimited by accident, and its root must be named', () => {
  expect([fsOptions.MAX_BYTES.default, fsOptions.ROOT.required, fsOptions.DURABILITY.default]).toEqual([
    '10GiB',
    true,
    'process',
  ]);
  expect(localOptions.FILESYSTEM_ROOT.imgproxy).toBe(true);
});

test('a bucket is a folder of its own', () => {
  expect(bucketFolder('/cache', scope(''))).toBe('/cache');
  expect(bucketFolder('/cache', scope('My-bucket_1.x'))).toBe('/cache/My-bucket_1.x');
});

test.each(['..', '.', 'a/b', '/etc', '@temp', '.hidden', 'a b'])(
  'the bucket %j is refused by its variable',
  (bucket) => {
    expect(() => bucketFolder('/cache', scope(bucket))).toThrow(/^TINTYPE_CACHE_BUCKET is/);
  },
);
