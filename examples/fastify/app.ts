import { createProxy } from '@tintype/core';
import fs from '@tintype/fs';
import imgproxyUrl from '@tintype/imgproxy-url';
import memory from '@tintype/memory';
import { nodeHandler } from '@tintype/server';
import sharp from '@tintype/sharp';
import { type FastifyInstance, fastify } from 'fastify';

/** An application of Fastify that has images below `/images` and whatever else it likes beside them. */
export async function createApp(imageFolder: string): Promise<FastifyInstance> {
  const proxy = await createProxy({
    plugins: [fs, memory, sharp, imgproxyUrl],
    settings: { cacheUse: 'memory', localFilesystemRoot: imageFolder },
  });
  // Closing waits for requests in flight, then for Fastify's `onClose` hooks: the proxy goes last.
  const app = fastify({ forceCloseConnections: 'idle' });
  app.addHook('onReady', () => proxy.open());
  app.addHook('onClose', () => proxy.close());

  const handler = nodeHandler(proxy, { prefix: '/images' });
  // Every method and every path below it: what is not served is refused by the proxy itself.
  app.all('/images/*', (request, reply) => {
    reply.hijack();
    handler(request.raw, reply.raw);
  });
  app.get('/', () => ({ picture: '/images/unsafe/rs:fill:300:200/plain/local:///chelsea.png@webp' }));
  return app;
}
