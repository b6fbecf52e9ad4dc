import { createProxy } from '@tintype/core';
import fs from '@tintype/fs';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import { fetchHandler } from '@tintype/server';
import sharp from '@tintype/sharp';
import { Hono } from 'hono';

/** An application of Hono that has images below `/images`, and what it takes to stop it. */
export async function createApp(imageFolder: string): Promise<{ app: Hono; close(): Promise<void> }> {
  const proxy = await createProxy({
    plugins: [fs, memory, sharp, imgproxyUrl],
    settings: { cacheUse: 'memory', localFilesystemRoot: imageFolder },
  });
  await proxy.open();

  const images = fetchHandler(proxy, { prefix: '/images' });
  const app = new Hono();
  // Every method and every path below it: what is not served is refused by the proxy itself.
  app.all('/images/*', (context) => images(context.req.raw));
  app.get('/', (context) =>
    context.json({ picture: '/images/unsafe/rs:fill:300:200/plain/local:///chelsea.png@webp' }),
  );
  return { app, close: () => proxy.close() };
}
