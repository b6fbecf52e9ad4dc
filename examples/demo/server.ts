import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createProxy, SettingsError, whyNotListen } from '@tintype/core';
import fs from '@tintype/fs';
import imgproxyUrl from '@tintype/imgproxy-url';
import { nodeHandler } from '@tintype/server';
import sharp from '@tintype/sharp';

const here = import.meta.dirname;
const PAGE = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; img-src blob:; connect-src 'self'; script-src 'self'; style-src 'self'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'page/index.html', type: PAGE['content-type'] },
  '/page.js': { file: 'page/page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { file: 'page/page.css', type: 'text/css; charset=utf-8' },
};

const proxy = await createProxy({
  plugins: [fs, sharp, imgproxyUrl],
  settings: { cacheUse: 'fs', cacheFsRoot: '.tintype/cache', localFilesystemRoot: join(here, 'images') },
  input: { env: process.env },
}).catch((error: unknown) => stop(SettingsError.is(error) ? error.message : String(error)));
await proxy.open();

const { bind } = proxy.settings;
const refusal = proxy.loopbackOnly ? whyNotListen(bind, 'TINTYPE_BIND') : undefined;
if (refusal !== undefined) stop(refusal);
const images = nodeHandler(proxy);
const server = createServer(async (request, response) => {
  const page = request.method === 'GET' ? FILES[request.url ?? ''] : undefined;
  if (page === undefined) return images(request, response);
  response.writeHead(200, { ...PAGE, 'content-type': page.type });
  response.end(await readFile(join(here, page.file)));
});
server.on('error', (error: NodeJS.ErrnoException) => {
  const where = bind.kind === 'tcp' ? `${bind.host}:${bind.port}` : bind.path;
  const busy = `${where} is in use; choose another port with TINTYPE_BIND=127.0.0.1:8081 npm start.`;
  stop(error.code === 'EADDRINUSE' ? busy : error.message);
});
server.listen(bind.kind === 'tcp' ? { host: bind.host, port: bind.port } : { path: bind.path }, () => {
  const address = server.address();
  const base =
    typeof address === 'object' && address ? `http://${bind.kind === 'tcp' ? bind.host : ''}:${address.port}` : '';
  console.log(`Tintype is running, with its cache in ${proxy.settings.cacheUse} and five photographs as source.

  ${base}/                                                             the page: reload it, and misses become hits
  ${base}/unsafe/rs:fill:400:300/plain/local:///astronaut.png@webp     a thumbnail
  ${base}/unsafe/w:600/bl:6/plain/local:///hubble_deep_field.jpg@avif  another one, blurred, as AVIF

Stop it with Ctrl+C.`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void proxy.close());
    server.closeIdleConnections();
  });
}

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}
