import { type ByteStream, type ConfiguredProxy, type ProxyRequest, StreamedBody } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { CurrentProxy } from './current-proxy.ts';

const REQUEST: ProxyRequest = { method: 'GET', target: '/', headers: {}, signal: new AbortController().signal };

async function* two(): ByteStream {
  yield new Uint8Array([1]);
  yield new Uint8Array([2]);
}

/** A proxy whose answers are streams; it tells when it was closed, and when a stream was given up. */
function streaming(stream: () => ByteStream = two) {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let released = 0;
  const proxy = {
    open: async () => {},
    close: async () => close(),
    handle: async () => ({
      status: 200,
      headers: {},
      body: new StreamedBody(stream, () => void released++).stream(),
      cache: { kind: 'bypass' },
    }),
  } as Partial<ConfiguredProxy> as ConfiguredProxy;
  return { proxy, closed, released: () => released };
}

async function streamFrom(current: CurrentProxy): Promise<AsyncIterator<Uint8Array>> {
  const { body } = await current.handle(REQUEST);
  return (body as ByteStream)[Symbol.asyncIterator]();
}

test('what was sent goes back to the stream that it came from', async () => {
  const back: Uint8Array[] = [];
  const source = () => ({
    [Symbol.asyncIterator]: () => two()[Symbol.asyncIterator](),
    recycle: (chunk: Uint8Array) => void back.push(chunk),
  });
  const current = new CurrentProxy(streaming(source).proxy);
  await current.open();
  const stream = (await current.handle(REQUEST)).body as ByteStream;
  for await (const chunk of stream) stream.recycle?.(chunk);
  expect(back).toEqual([new Uint8Array([1]), new Uint8Array([2])]);
});

describe('a proxy that was replaced is closed', () => {
  test('when its last answer has gone, and not before', async () => {
    const old = streaming();
    const current = new CurrentProxy(old.proxy);
    await current.open();
    const chunks = await streamFrom(current);
    await chunks.next();
    current.replace(streaming().proxy);
    let isClosed = false;
    void old.closed.then(() => {
      isClosed = true;
    });
    await chunks.next();
    expect(isClosed).toBe(false);
    expect(await chunks.next()).toMatchObject({ done: true });
    await old.closed;
  });

  test('also if a client left before the first byte of its answer, which is given up then', async () => {
    const old = streaming();
    const current = new CurrentProxy(old.proxy);
    await current.open();
    const chunks = await streamFrom(current);
    current.replace(streaming().proxy);
    await chunks.return?.();
    await old.closed;
    expect(old.released()).toBe(1);
  });

  test('also if an answer broke in the middle', async () => {
    const old = streaming(async function* () {
      yield new Uint8Array([1]);
      throw new Error('broken');
    });
    const current = new CurrentProxy(old.proxy);
    await current.open();
    const chunks = await streamFrom(current);
    current.replace(streaming().proxy);
    await chunks.next();
    await expect(chunks.next()).rejects.toThrow('broken');
    await chunks.return?.();
    await old.closed;
  });
});
