import { buildApp } from 'fauxqs';

const port = Number(process.argv[2]);
const app = await buildApp({ logger: false, host: '127.0.0.1' });
// Its own `startFauxqs` listens on every interface.
await app.listen({ port, host: '127.0.0.1' });
