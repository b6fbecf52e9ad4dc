import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { decodeMetadata, encodeMetadata } from './metadata-codec.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const record: fc.Arbitrary<EntryMetadata> = fc.record(
  {
    status: fc.integer({ min: 100, max: 599 }),
    contentType: text,
    etag: text,
    storedAt: fc.nat(),
    freshUntil: fc.nat(),
    source: text,
    cacheControl: text,
    sourceEtag: text,
    sourceLastModified: text,
    width: fc.nat(),
    height: fc.nat(),
    tags: fc.array(text, { maxLength: 4 }),
    headers: fc.array(fc.tuple(text, text), { maxLength: 4 }),
  },
  { requiredKeys: ['status', 'contentType', 'etag', 'storedAt', 'freshUntil', 'source'] },
);

test('every record comes back as it was, through printable ASCII without spaces', () => {
  fc.assert(
    fc.property(record, (metadata) => {
      const stored = encodeMetadata(metadata, 100_000);
      expect(stored.encoded).toMatch(/^[\x21-\x7e]+$/);
      expect(decodeMetadata({ ...stored })).toEqual(metadata);
    }),
  );
});

const base: EntryMetadata = {
  status: 200,
  contentType: 'image/webp',
  etag: '"abcdefghijklmnopqrstuvwxyz0"',
  storedAt: 1_700_000_000_000,
  freshUntil: 1_800_000_000_000,
  source: `https://images.example.com/${'x'.repeat(600)}`,
  sourceEtag: `"${'e'.repeat(100)}"`,
  sourceLastModified: 'Sun, 22 Nov 2026 00:00:00 GMT',
  tags: ['spring', 'sale'],
  headers: [['Link', 'y'.repeat(500)]],
};

test('when space is short, further headers go first, then the end of the source, then its validators', () => {
  const decode = (bytes: number) => decodeMetadata(encodeMetadata(base, bytes));
  expect(decode(2_000)).toEqual(base);
  expect(decode(1_400)).toEqual({ ...base, headers: undefined });
  expect(decode(700).source).toHaveLength(200);
  expect(decode(700).sourceEtag).toBe(base.sourceEtag);
  expect(decode(420)).toMatchObject({ tags: base.tags, etag: base.etag });
  expect(decode(420).sourceEtag).toBeUndefined();
});

test('what does not fit even so is refused, never cut', () => {
  expect(() => encodeMetadata({ ...base, tags: ['t'.repeat(2_000)] }, 1_400)).toThrow(
    /does not fit into the 1400 bytes/,
  );
});

test.each(['', 'null', '[]', '{', '{"v":2}', '{"v":1}'])('%j is not ours', (encoded) => {
  expect(() => decodeMetadata({ encoded, contentType: '' })).toThrow(expect.objectContaining({ code: 'corrupt' }));
});
