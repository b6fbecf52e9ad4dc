import { buildApp } from 'fauxqs';

const port = Number(process.argv[2]);
const app = await buildApp({ logger: false, host: '127.0.0.1' });
// Idle connections stay: one that were closed in the moment of its next request would fail it.
app.server.keepAliveTimeout = 0;
// Its own `startFauxqs` listens on every interface.
await app.listen({ port, host: '127.0.0.1' });
