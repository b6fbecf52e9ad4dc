import { expect, test } from 'vitest';
import { StreamedBody } from '../bodies.ts';
import type { ByteStream } from '../contracts/body.ts';
import { GuardedBody } from './guarded-body.ts';

const chunk = new Uint8Array(3);

function guarded(open: () => ByteStream, { idleMs = 5_000, signal }: { idleMs?: number; signal?: AbortSignal } = {}) {
  const told: string[] = [];
  const inner = new StreamedBody(open, () => void told.push('released'));
  const body = new GuardedBody(inner, idleMs, signal, (error) => {
    told.push('mapped');
    return error;
  });
  return { body, told };
}

async function* endless() {
  for (;;) yield chunk;
}

async function* hung(): ByteStream {
  yield chunk;
  await new Promise(() => undefined);
}

test('a stream that is given up frees the connection, also before its first chunk', async () => {
  for (const steps of [0, 1]) {
    const { body, told } = guarded(endless);
    const iterator = body.stream()[Symbol.asyncIterator]();
    for (let step = 0; step < steps; step++) await iterator.next();
    await iterator.return?.();
    await iterator.return?.();
    expect(told).toEqual(['released']);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  }
});

test('so does one that a hung read is under way for', async () => {
  const { body, told } = guarded(hung);
  const iterator = body.stream()[Symbol.asyncIterator]();
  await iterator.next();
  void iterator.next().catch(() => undefined);
  await iterator.return?.();
  expect(told).toEqual(['released']);
});

test('a stream that hangs, or is aborted, frees it and fails', async () => {
  const idle = guarded(hung, { idleMs: 20 });
  await expect(idle.body.bytes()).rejects.toMatchObject({ code: 'timeout' });
  expect(idle.told).toEqual(['released', 'mapped']);
  const controller = new AbortController();
  const aborted = guarded(hung, { idleMs: 600_000, signal: controller.signal });
  const reading = aborted.body.bytes();
  await new Promise(setImmediate);
  controller.abort(new Error('gone'));
  await expect(reading).rejects.toThrow('gone');
  expect(aborted.told).toEqual(['released', 'mapped']);
});

test('a stream that ends by itself is released by whoever made it', async () => {
  const { body, told } = guarded(async function* () {
    yield chunk;
    yield chunk;
  });
  expect(await body.bytes()).toHaveLength(6);
  expect(told).toEqual([]);
});
