import { defineConfig } from '@tintype/core';

// Everything under / is asked of a server on this machine and kept for as long as it says; below
// /thumbnails the same server's pictures are resized: /thumbnails/_/rs:fit:300/plain/cat.jpg
const origins = ['http://127.0.0.1:9000/'];

export default defineConfig({
  endpoints: [
    { path: '/', origins, originCacheControl: true },
    { path: '/thumbnails', origins, dialect: 'imgproxy-url', defaultTtl: 86_400 },
  ],
});
