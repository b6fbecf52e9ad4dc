import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editDistance, nearestName } from './nearest-name.ts';
import { camelCase, flagName, prefixOfId } from './setting-names.ts';

test('one name, spelled for each place', () => {
  expect(camelCase('CACHE_FS_MAX_BYTES')).toBe('cacheFsMaxBytes');
  expect(camelCase('CACHE_S3_REGION')).toBe('cacheS3Region');
  expect(flagName('CACHE_FS_ROOT')).toBe('--cache-fs-root');
  expect(prefixOfId('imgproxy-url')).toBe('IMGPROXY_URL_');
});

test('the nearest name is the one with the fewest edits', () => {
  const names = ['CACHE_USE', 'CACHE_TIERS', 'TTL', 'CACHE_FS_ROOT'];
  expect(nearestName('CACH_USE', names)).toBe('CACHE_USE');
  expect(nearestName('CACHE_FS_ROTO', names)).toBe('CACHE_FS_ROOT');
  expect(nearestName('TLT', names)).toBe('TTL');
});

test('a name that is like none has no nearest', () => {
  expect(nearestName('WATERMARK_OPACITY', ['CACHE_USE', 'TTL'])).toBeUndefined();
});

test('edit distance is a metric', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, a)).toBe(0);
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
  expect(editDistance('kitten', 'sitting')).toBe(3);
});
