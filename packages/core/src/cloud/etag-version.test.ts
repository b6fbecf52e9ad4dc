import { expect, test } from 'vitest';
import type { Version } from '../contracts/storage-adapter.ts';
import { etagOfVersion, versionOfEtag } from './etag-version.ts';

test('a version is the ETag, in quotes wherever it comes from', () => {
  expect([versionOfEtag('"0x8DE"'), versionOfEtag('0x8DE')]).toEqual(['"0x8DE"', '"0x8DE"']);
  expect(etagOfVersion(versionOfEtag('0x8DE'))).toBe('"0x8DE"');
});

test.each(['no', 'unknown'] as const)('an answer without one is none, and a write is applied: %s', (applied) => {
  const missing = expect.objectContaining({ code: 'unavailable', message: 'The answer has no ETag.', applied });
  expect(() => versionOfEtag(undefined, applied)).toThrow(missing);
});

test.each(['', '17/3', 'W/"a"', '"a', '"a"b"', '"ä"', '"a b"', '"a"\r\nx: y'])(
  '%j is the version of no entry',
  (version) => {
    expect(() => etagOfVersion(version as Version)).toThrow(expect.objectContaining({ code: 'precondition-failed' }));
  },
);
