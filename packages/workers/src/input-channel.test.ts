import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { receiveInputs, sendInput } from './input-channel.ts';

function bytes(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) % 256);
}

const INPUTS = [bytes(1, 1), bytes(0, 2), bytes(70_000, 3), bytes(8, 4), bytes(0, 5)];

test.each([1, 3, 8, 9, 65_536])('inputs come as they were sent, in pieces of %i bytes', async (size) => {
  const sent = new PassThrough();
  for (const [id, input] of INPUTS.entries()) sendInput(sent, id, input);
  sent.end();
  const wire = Buffer.concat(await sent.toArray());

  const pipe = new PassThrough();
  const received: [number, Uint8Array][] = [];
  receiveInputs(pipe, (id, input) => received.push([id, Uint8Array.from(input)]));
  for (let at = 0; at < wire.length; at += size) {
    if (!pipe.write(wire.subarray(at, at + size))) await new Promise((resolve) => pipe.once('drain', resolve));
  }
  const ended = new Promise((resolve) => pipe.once('end', resolve));
  pipe.end();
  await ended;
  expect(received).toEqual(INPUTS.map((input, id) => [id, input]));
});
