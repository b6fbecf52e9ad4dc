import { type StorageKey, storageKey } from '@tintype/core';
import { expect, test } from 'vitest';
import { HeaderDraft } from './entry-file.ts';
import { HeaderMemory } from './header-memory.ts';

const key = storageKey('a');

function file(body: string, encoded: string, of: StorageKey = key): Buffer {
  const draft = new HeaderDraft(of, { encoded, contentType: 'image/png' }, 1);
  return Buffer.concat([draft.finish(body.length, 0), Buffer.from(body)]);
}

test('what was parsed before is the same object', () => {
  const memory = new HeaderMemory();
  const bytes = file('body', 'm');
  const first = memory.parse(bytes, key);
  expect(memory.parse(Buffer.from(bytes), key)).toBe(first);
  expect(first).toMatchObject({ key, size: 4, metadata: { encoded: 'm' } });
});

test('another version is parsed anew', () => {
  const memory = new HeaderMemory();
  memory.parse(file('body', 'm'), key);
  expect(memory.parse(file('bodies', 'n'), key)).toMatchObject({ size: 6, metadata: { encoded: 'n' } });
});

test.each(['a byte of the header', 'the end of the body'])('a remembered header hides no damage: %s', (damage) => {
  const memory = new HeaderMemory();
  const bytes = file('body', 'm');
  memory.parse(bytes, key);
  const damaged = damage === 'the end of the body' ? bytes.subarray(0, -1) : Buffer.from(bytes);
  if (damaged.length === bytes.length) damaged.writeUInt8(damaged.readUInt8(30) ^ 1, 30);
  expect(() => memory.parse(damaged, key)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});

test('an entry in the place of another is refused as before', () => {
  const memory = new HeaderMemory();
  memory.parse(file('body', 'm'), key);
  const other = file('body', 'm', storageKey('b'));
  expect(() => memory.parse(other, key)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});
