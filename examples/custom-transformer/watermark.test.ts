import { join } from 'node:path';
import { createProxy, type Plugin } from '@tintype/core';
import fs from '@tintype/fs';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import sharpPlugin from '@tintype/sharp';
import sharp, { type Sharp } from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import watermark from './watermark.ts';

async function picture(further: readonly Plugin[], path: string) {
  const proxy = await createProxy({
    plugins: [fs, memory, sharpPlugin, imgproxyUrl, ...further],
    settings: { cacheUse: 'memory', localFilesystemRoot: join(import.meta.dirname, '../demo/images') },
  });
  onTestFinished(() => proxy.close());
  await proxy.open();
  const { signal } = new AbortController();
  const answer = await proxy.handle({ method: 'GET', target: path, headers: {}, signal });
  expect(answer.status).toBe(200);
  const [key] = await Array.fromAsync(proxy.storage?.list('') ?? [], (row) => row.key);
  return { key, image: sharp(answer.body as Uint8Array) };
}

const brightness = async (image: Sharp, left: number, top: number) => {
  const { channels } = await sharp(
    await image.clone().extract({ left, top, width: 120, height: 24 }).toBuffer(),
  ).stats();
  return channels.slice(0, 3).reduce((sum, channel) => sum + channel.mean, 0);
};

test('a plugin wraps the transformer: the mark is in the corner, and in no other', async () => {
  const path = '/unsafe/rs:fill:400:300/plain/local:///hubble_deep_field.jpg@png';
  const plain = await picture([], path);
  const marked = await picture([watermark], path);
  expect(await brightness(marked.image, 280, 276)).toBeGreaterThan((await brightness(plain.image, 280, 276)) + 10);
  expect(await brightness(marked.image, 0, 0)).toBeCloseTo(await brightness(plain.image, 0, 0), 5);
});

test('results with and without the mark never share a cache entry', async () => {
  const path = '/unsafe/rs:fill:400:300/plain/local:///chelsea.png@png';
  expect((await picture([], path)).key).not.toBe((await picture([watermark], path)).key);
});
