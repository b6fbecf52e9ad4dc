import { expect, test } from 'vitest';
import { freeIfWhole } from './bodies.ts';
import { LentBuffers } from './lent-buffers.ts';

test('what came back is lent again, whatever part of it was used', () => {
  const buffers = new LentBuffers(100);
  const first = buffers.lend(100);
  const second = buffers.lend(40);
  expect([first.length, second.length, first.buffer === second.buffer]).toEqual([100, 40, false]);
  const bytes = Uint8Array.from({ length: 40 }, (_, index) => 200 - index);
  second.set(bytes);
  buffers.takeBack(second.subarray(3, 5));
  // The same memory: nobody has written to it meanwhile.
  expect([...buffers.lend(40)]).toEqual([...bytes]);
});

test('a chunk that came back is empty for those who still hold it: they never see the next one', () => {
  const buffers = new LentBuffers(100);
  const early = buffers.lend(100);
  buffers.takeBack(early);
  const next = buffers.lend(100).fill(7);
  expect([early.length, early[0], next[0]]).toEqual([0, undefined, 7]);
});

test('nothing is lent twice because it came back twice, or is another’s', () => {
  const buffers = new LentBuffers(100);
  const own = buffers.lend(100);
  buffers.takeBack(own);
  buffers.takeBack(own);
  const another = Buffer.allocUnsafeSlow(100);
  buffers.takeBack(another);
  const lent = buffers.lend(100).fill(1);
  // The second time after it was lent to somebody else.
  buffers.takeBack(own);
  const further = buffers.lend(100).fill(2);
  expect([lent[0], further[0], another.length]).toEqual([1, 2, 100]);
  expect(new Set([lent.buffer, further.buffer, another.buffer]).size).toBe(3);
});

test('what was freed before it came back is not lent again', () => {
  const buffers = new LentBuffers(100);
  const freed = buffers.lend(100);
  freeIfWhole(freed);
  buffers.takeBack(freed);
  expect(buffers.lend(100)).toHaveLength(100);
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
