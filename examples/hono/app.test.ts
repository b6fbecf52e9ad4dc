import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from './app.ts';

const { app, close } = await createApp(join(import.meta.dirname, '../demo/images'));
const PICTURE = '/images/unsafe/rs:fill:300:200/plain/local:///chelsea.png@webp';

const server = createAdaptorServer({ fetch: app.fetch });
let address: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  const closed = once(server, 'close');
  server.close();
  await closed;
  await close();
});

test('the picture that the application names is a miss, then a hit with the same bytes', async () => {
  expect(await (await fetch(address)).json()).toEqual({ picture: PICTURE });
  const first = await fetch(address + PICTURE);
  expect(first.status).toBe(200);
  expect(first.headers.get('content-type')).toBe('image/webp');
  expect(first.headers.get('x-content-type-options')).toBe('nosniff');
  expect(first.headers.get('cache-status')).toContain('fwd=uri-miss');
  const bytes = Buffer.from(await first.arrayBuffer());
  const second = await fetch(address + PICTURE);
  expect(second.headers.get('cache-status')).toContain('hit');
  expect(Buffer.from(await second.arrayBuffer()).equals(bytes)).toBe(true);

  const etag = second.headers.get('etag') ?? '';
  expect((await fetch(address + PICTURE, { headers: { 'if-none-match': etag } })).status).toBe(304);
});

test('no server is needed: a request goes in, a response comes out', async () => {
  const response = await app.request(PICTURE);
  expect(response.status).toBe(200);
  expect((await response.arrayBuffer()).byteLength).toBe(Number(response.headers.get('content-length')));
  const head = await app.request(PICTURE, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, response.headers.get('content-length')]);
});

test('what the proxy refuses, it refuses here as well', async () => {
  expect((await fetch(address + PICTURE, { method: 'POST' })).status).toBe(405);
  const missing = await fetch(`${address}/images/unsafe/plain/local:///missing.png`);
  expect(missing.status).toBe(404);
  expect(missing.headers.get('cache-control')).toBe('no-store');
});

test('the other routes are untouched', async () => {
  expect((await fetch(`${address}/elsewhere`)).status).toBe(404);
});
