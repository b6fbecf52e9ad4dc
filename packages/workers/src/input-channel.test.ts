import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { cutInputs, sendInput } from './input-channel.ts';

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) % 256);
}

const INPUTS = [bytes(1, 1), bytes(0, 2), bytes(70_000, 3), bytes(8, 4), bytes(0, 5)];

test.each([1, 3, 8, 9, 65_536])('inputs come as they were sent, in pieces of %i bytes', async (size) => {
  const sent = new PassThrough();
  for (const [id, input] of INPUTS.entries()) sendInput(sent, id, input);
  sent.end();
  const wire = Buffer.concat(await sent.toArray());

  const received: [number, Uint8Array][] = [];
  const take = cutInputs((id, input) => received.push([id, input]));
  for (let at = 0; at < wire.length; at += size) {
    const piece = Uint8Array.from(wire.subarray(at, at + size));
    take(piece);
    // The next one is read into the same memory.
    piece.fill(255);
  }
  expect(received.map(([id, input]) => [id, Uint8Array.from(input)])).toEqual(INPUTS.map((input, id) => [id, input]));
});
