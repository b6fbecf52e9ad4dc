import { join } from 'node:path';
import { createApp } from './app.ts';

const app = await createApp(join(import.meta.dirname, '../demo/images'));
console.log(await app.listen({ host: '127.0.0.1', port: 3000 }));
process.once('SIGTERM', () => app.close());
