import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from './app.ts';

const app = await createApp(join(import.meta.dirname, '../demo/images'));
let address: string;
beforeAll(async () => {
  address = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

test('the picture that the application names is a miss, then a hit with the same bytes', async () => {
  const { picture } = (await (await fetch(address)).json()) as { picture: string };
  const first = await fetch(address + picture);
  expect(first.status).toBe(200);
  expect(first.headers.get('content-type')).toBe('image/webp');
  expect(first.headers.get('x-content-type-options')).toBe('nosniff');
  expect(first.headers.get('cache-status')).toContain('fwd=uri-miss');
  const bytes = Buffer.from(await first.arrayBuffer());
  const second = await fetch(address + picture);
  expect(second.headers.get('cache-status')).toContain('hit');
  expect(Buffer.from(await second.arrayBuffer()).equals(bytes)).toBe(true);

  const etag = second.headers.get('etag') ?? '';
  expect((await fetch(address + picture, { headers: { 'if-none-match': etag } })).status).toBe(304);
});

test('what the proxy refuses, it refuses here as well', async () => {
  const post = await fetch(`${address}/images/unsafe/plain/local:///chelsea.png`, { method: 'POST' });
  expect(post.status).toBe(405);
  const missing = await fetch(`${address}/images/unsafe/plain/local:///missing.png`);
  expect(missing.status).toBe(404);
  expect(missing.headers.get('cache-control')).toBe('no-store');
});

test('the other routes are untouched', async () => {
  expect((await fetch(`${address}/elsewhere`)).headers.get('content-type')).toContain('application/json');
});
