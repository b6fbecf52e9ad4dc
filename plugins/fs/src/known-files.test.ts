import { type StorageKey, storageKey } from '@tintype/core';
import { expect, test } from 'vitest';
import { crc32 } from './checksum.ts';
import { HeaderDraft } from './entry-file.ts';
import { type KnownFile, KnownFiles } from './known-files.ts';

const key = storageKey('a');

function bytesOf(body: string, encoded: string, of: StorageKey = key): Buffer {
  const draft = new HeaderDraft(of, { encoded, contentType: 'image/png' }, 1);
  return Buffer.concat([draft.finish(body.length, crc32(Buffer.from(body))), Buffer.from(body)]);
}

/** Files that have seen one, and what they know of it. */
function having(bytes: Buffer): { readonly files: KnownFiles; readonly known: KnownFile } {
  const files = new KnownFiles();
  const known = files.note(key, '/a@', bytes.length);
  files.parse(bytes, key, known);
  return { files, known };
}

test('what was parsed before is the same object', () => {
  const bytes = bytesOf('body', 'm');
  const { files, known } = having(bytes);
  const first = files.parse(Buffer.from(bytes), key, known);
  const again = files.parse(Buffer.from(bytes), key, known);
  expect(again.header).toBe(first.header);
  expect(first.header).toMatchObject({ key, size: 4, metadata: { encoded: 'm' } });
  expect(String(again.body)).toBe('body');
});

test('another version of the same length is parsed anew', () => {
  const { files, known } = having(bytesOf('body', 'm'));
  const { header, body } = files.parse(bytesOf('BODY', 'n'), key, known);
  expect([header.metadata.encoded, String(body)]).toEqual(['n', 'BODY']);
});

test('another version with the same body is parsed anew', () => {
  const { files, known } = having(bytesOf('body', 'm'));
  const { header } = files.parse(bytesOf('body', 'n'), key, known);
  expect(header.metadata.encoded).toBe('n');
});

test.each([
  ['a checksum', 9],
  ['the header', 30],
  ['the body', -1],
])('what was seen before hides no damage of %s', (_what, at) => {
  const bytes = bytesOf('body', 'm');
  const { files, known } = having(bytes);
  const damaged = Buffer.from(bytes);
  const position = (at + damaged.length) % damaged.length;
  damaged.writeUInt8(damaged.readUInt8(position) ^ 1, position);
  expect(() => files.parse(damaged, key, known)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});

test('what was seen before hides no missing end', () => {
  const bytes = bytesOf('body', 'm');
  const { files, known } = having(bytes);
  expect(() => files.parse(bytes.subarray(0, -1), key, known)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});

test('an entry in the place of another is refused', () => {
  const { files, known } = having(bytesOf('body', 'm'));
  const other = bytesOf('body', 'm', storageKey('b'));
  expect(() => files.parse(other, key, known)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});

test('of many files the ones seen first lose their headers, and are parsed anew', () => {
  const bytes = bytesOf('body', 'm');
  const { files, known } = having(bytes);
  const { seen } = known;
  for (let i = 0; i < 9_999; i++) {
    const other = storageKey(`b/${i}`);
    files.parse(bytesOf('body', 'm', other), other, files.note(other, `/b/${i}@`, bytes.length));
  }
  expect(known.seen).toBe(seen);
  const last = storageKey('c');
  files.parse(bytesOf('body', 'm', last), last, files.note(last, '/c@', bytes.length));
  expect(known.seen).toBeUndefined();
  expect(String(files.parse(bytes, key, known).body)).toBe('body');
});

test('a file of another length is another file', () => {
  const { files, known } = having(bytesOf('body', 'm'));
  expect(files.note(key, '/a@', known.size)).toBe(known);
  expect(files.note(key, '/a@', known.size + 1)).not.toBe(known);
  files.forget(key);
  expect(files.get(key)).toBeUndefined();
});
