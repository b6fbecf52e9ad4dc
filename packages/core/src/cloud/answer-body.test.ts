import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ofBody } from './answer-body.ts';

test('a body of which nothing can be made is destroyed, and one of which something can is left', async () => {
  const stream = Readable.from(['bytes']);
  expect(await ofBody(stream, async () => 'made')).toBe('made');
  expect(stream.destroyed).toBe(false);
  const error = new Error('no ETag');
  await expect(ofBody(stream, () => Promise.reject(error))).rejects.toBe(error);
  expect(stream.destroyed).toBe(true);
});
