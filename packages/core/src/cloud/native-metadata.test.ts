import { expect, test } from 'vitest';
import { fromNativeMetadata, storedMetadata, toNativeMetadata } from './native-metadata.ts';

test.each([0, 1, 249, 250, 251, 500, 1_900])('%i bytes come back to the letter', (length) => {
  const encoded = 'abcdefghij'.repeat(190).slice(0, length);
  const fields = toNativeMetadata(encoded);
  expect(fromNativeMetadata(fields)).toBe(encoded);
  expect(Object.values(fields).every((value) => value.length <= 250)).toBe(true);
});

test('1,900 bytes stay below the 2 KiB that S3 counts, names and their prefix included', () => {
  const fields = toNativeMetadata('x'.repeat(1_900));
  const counted = Object.entries(fields).reduce(
    (sum, [name, value]) => sum + `x-amz-meta-${name}`.length + value.length,
    0,
  );
  expect(counted).toBeLessThanOrEqual(2_048);
});

test('an object without our fields has no metadata of ours', () => {
  expect(fromNativeMetadata(undefined)).toBe('');
  expect(fromNativeMetadata({ author: 'someone' })).toBe('');
});

test('what a service does not tell of an entry is left out, or as usual', () => {
  const known = { fields: toNativeMetadata('m'), contentType: 'image/png', cacheControl: 'max-age=60' };
  expect(storedMetadata(known)).toEqual({ encoded: 'm', contentType: 'image/png', cacheControl: 'max-age=60' });
  expect(storedMetadata({ fields: undefined, contentType: undefined, cacheControl: undefined })).toEqual({
    encoded: '',
    contentType: 'application/octet-stream',
  });
});
