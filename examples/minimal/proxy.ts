import { createProxy } from '@tintype/core';
import fs from '@tintype/fs';
import imgproxyUrl from '@tintype/imgproxy-url';
import { startServer } from '@tintype/server';
import sharp from '@tintype/sharp';

const proxy = await createProxy({
  plugins: [fs, sharp, imgproxyUrl],
  settings: { cacheUse: 'fs', cacheFsRoot: '.tintype/cache', localFilesystemRoot: '../demo/images' },
  input: { env: process.env, cwd: import.meta.dirname },
});
await proxy.open();
const server = await startServer(proxy, { bind: proxy.settings.bind });
console.log(`${server.address}/unsafe/rs:fill:300:200/plain/local:///chelsea.png@webp`);
process.once('SIGTERM', () => server.close().then(() => proxy.close()));
