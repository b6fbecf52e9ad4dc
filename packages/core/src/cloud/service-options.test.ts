import { expect, test } from 'vitest';
import { SettingsError } from '../contracts/settings-error.ts';
import { boundedTimeout, bucketListOptions, checkOptions } from './service-options.ts';

test('every complaint is told at once, by the variable that it is about', () => {
  const look = () =>
    checkOptions('TINTYPE_CACHE_S3_', (complain) => {
      complain('ENDPOINT', 'is no URL.');
      complain('REGION', 'is required.');
    });
  expect(look).toThrow(SettingsError);
  expect(look).toThrow('TINTYPE_CACHE_S3_ENDPOINT is no URL.\nTINTYPE_CACHE_S3_REGION is required.');
});

test('without a complaint it is what was made of the settings', () => {
  expect(checkOptions('TINTYPE_SWIFT_', () => 'credentials')).toBe('credentials');
});

test.each([
  [10, 5, 5],
  [3, 5, 3],
  [0, 5, 5],
  [3, 0, 3],
  [0, 0, 0],
])('a time-out of %d s within a download of %d s is %d s; 0 is none', (seconds, download, expected) => {
  expect(boundedTimeout(seconds, download)).toBe(expected);
});

test('lists of buckets speak of them as the service does', () => {
  const { ALLOWED_BUCKETS, DENIED_BUCKETS } = bucketListOptions('Containers');
  expect([ALLOWED_BUCKETS.description, DENIED_BUCKETS.description]).toEqual([
    expect.stringMatching(/^Containers that sources may name\./),
    expect.stringMatching(/^Containers that sources may not name/),
  ]);
});
