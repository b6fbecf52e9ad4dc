import { expect, test } from 'vitest';
import { createStorage } from './create-storage.ts';
import { prefixed, whyNotAPrefix } from './prefixed.ts';
import { ScriptedAdapter } from './scripted-adapter.fixture.ts';

const metadata = { status: 200, contentType: 'a/b', etag: '"e"', storedAt: 1, freshUntil: 2, source: 's' };
const bytes = new Uint8Array([1]);

test('a prefixed view sees its own keys and no others, in upper and lower case', async () => {
  const adapter = new ScriptedAdapter();
  const upper = createStorage(prefixed(adapter, 'Team/A'), { name: 'upper' });
  const lower = createStorage(prefixed(adapter, 'team/a/'), { name: 'lower' });
  await upper.open();
  await lower.open();
  await upper.put('k', bytes, metadata);
  await lower.put('x/y', bytes, metadata);
  expect([...adapter.entries.keys()].sort()).toEqual(['Team/A/k', 'team/a/x/y']);
  expect(await lower.get('k')).toBeUndefined();
  expect(await upper.get('k')).toBeDefined();
  const rows = await Array.fromAsync(lower.list(''));
  expect(rows.map((row) => row.key)).toEqual(['x/y']);
  expect(await Array.fromAsync(lower.list('x', { after: rows[0]?.key }))).toEqual([]);
});

test('a key is measured with its prefix', async () => {
  const storage = createStorage(prefixed(new ScriptedAdapter(), 'p'.repeat(100)), { name: 'long' });
  await storage.open();
  await storage.put('k'.repeat(411), bytes, metadata);
  await expect(storage.put('k'.repeat(412), bytes, metadata)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('513 bytes with its prefix'),
  });
});

test.each(['', '/', 'a//b', '/a', 'ä', 'a/./b', 'a.', 'a b', 'x'.repeat(257)])(
  '%j cannot stand before keys',
  (prefix) => {
    expect(whyNotAPrefix(prefix)).toBeDefined();
    expect(() => prefixed(new ScriptedAdapter(), prefix)).toThrow(/The prefix/);
  },
);
