import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { createApp } from './app.ts';

const { app, close } = await createApp(join(import.meta.dirname, '../demo/images'));
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 3000 }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}`),
);
process.once('SIGTERM', () => server.close(() => void close()));
