import { expect, test } from 'vitest';
import { LentBuffers } from './lent-buffers.ts';

test('what came back is lent again, whatever part of it was used', () => {
  const buffers = new LentBuffers(100);
  const first = buffers.lend(100);
  const second = buffers.lend(40);
  expect([first.length, second.length, first.buffer === second.buffer]).toEqual([100, 40, false]);
  buffers.takeBack(second.subarray(3, 5));
  expect(buffers.lend(100).buffer).toBe(second.buffer);
  expect(buffers.lend(100).buffer).not.toBe(first.buffer);
});

test('nothing is lent twice because it came back twice, or is another’s', () => {
  const buffers = new LentBuffers(100);
  const own = buffers.lend(100);
  buffers.takeBack(own);
  buffers.takeBack(own);
  const another = Buffer.allocUnsafeSlow(100);
  buffers.takeBack(another);
  expect(buffers.lend(100).buffer).toBe(own.buffer);
  expect([own.buffer, another.buffer]).not.toContain(buffers.lend(100).buffer);
});

test('its memory is freed at its end: at once, or when it comes back; what is in use stays', () => {
  const buffers = new LentBuffers(100);
  const [idle, late, kept] = [buffers.lend(100), buffers.lend(100), buffers.lend(100)];
  buffers.takeBack(idle);
  buffers.close();
  expect([idle, late, kept].map(({ length }) => length)).toEqual([0, 100, 100]);
  buffers.takeBack(late);
  expect([late.length, kept.length]).toEqual([0, 100]);
});
