import type { HttpFields, Origin, OriginRequest } from '@tintype/core';
import { describe, expect, test } from 'vitest';

/** A request for a source of at most a million bytes. */
export function asked(headers: HttpFields = {}, more: Partial<OriginRequest> = {}): OriginRequest {
  return { headers, maxBytes: 1_000_000, signal: new AbortController().signal, ...more };
}

/** An origin of objects in buckets, as the tests of what all such origins promise need it. */
export interface BucketOrigin {
  /** Of its source URLs: `s3`. */
  readonly scheme: string;
  /** An open one; nobody listens where it asks. */
  open(lists: {
    readonly allowedBuckets: readonly string[];
    readonly deniedBuckets: readonly string[];
  }): Promise<Origin>;
}

/** What all origins of objects promise of the names that clients choose. */
export function testBucketRules({ scheme, open }: BucketOrigin): void {
  describe('only some buckets may be sources', () => {
    test.each([
      { allowedBuckets: ['photos'], deniedBuckets: [], bucket: 'other' },
      { allowedBuckets: [], deniedBuckets: ['secret'], bucket: 'secret' },
      { allowedBuckets: ['secret'], deniedBuckets: ['secret'], bucket: 'secret' },
    ])('%o', async ({ bucket, ...lists }) => {
      const origin = await open(lists);
      await expect(origin.fetch(`${scheme}://${bucket}/cat.jpg`, asked())).rejects.toMatchObject({ code: 'refused' });
    });
  });

  test.each([
    'photos/../secret/cat.jpg',
    'photos/a/../../secret/cat.jpg',
    'photos/..\\secret/cat.jpg',
    'photos/./cat.jpg',
    'photos/..',
    '../secret/cat.jpg',
    './secret/cat.jpg',
  ])('no source reaches out of its bucket: %s', async (path) => {
    for (const allowedBuckets of [['photos'], []]) {
      const origin = await open({ allowedBuckets, deniedBuckets: [] });
      const refused = { code: 'invalid-source' };
      await expect(origin.fetch(`${scheme}://${path}`, asked())).rejects.toMatchObject(refused);
    }
  });
}

/**
 * What all origins of objects promise of a download.
 *
 * @param stored puts an object of 200,000 bytes. @returns its source URL, and an open origin.
 */
export function testDownloads(stored: () => Promise<{ readonly source: string; readonly origin: Origin }>): void {
  test('larger than allowed is refused before it is read', async () => {
    const { source, origin } = await stored();
    await expect(origin.fetch(source, asked({}, { maxBytes: 1_000 }))).rejects.toMatchObject({ code: 'too-large' });
  });

  test('is given up when nobody wants it any more', async () => {
    const { source, origin } = await stored();
    const controller = new AbortController();
    const { body } = await origin.fetch(source, asked({}, { signal: controller.signal }));
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(body.bytes()).rejects.toBe(reason);
  });
}
