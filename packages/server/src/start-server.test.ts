import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import timers from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  capturedLog,
  closeServers,
  dial,
  everything,
  get,
  image,
  proxyOf,
  received,
  serve,
  talk,
} from './loopback.fixture.ts';
import { startServer } from './start-server.ts';

const folders: string[] = [];
afterEach(async () => {
  await closeServers();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tintype-server-'));
  folders.push(path);
  return path;
}

const proxy = proxyOf(async () => image(Buffer.from('bytes')));
const KEPT = 'GET /a HTTP/1.1\r\nHost: test\r\n\r\n';

describe('where it listens', () => {
  it('is told as an address, with the port that was given out', async () => {
    const { address, port } = await serve(proxy);
    expect(address).toBe(`http://127.0.0.1:${port}`);
    expect(port).toBeGreaterThan(0);
  });

  it('can be an IPv6 address', async () => {
    const { address, port } = await serve(proxy, { bind: { kind: 'tcp', host: '::1', port: 0 } });
    expect(address).toBe(`http://[::1]:${port}`);
    expect((await fetch(`${address}/a`)).status).toBe(200);
  });

  it('can be a socket file, which goes away with the server', async () => {
    const path = join(await folder(), 'proxy.sock');
    const server = await startServer(proxy, { bind: { kind: 'unix', path } });
    expect(server).toMatchObject({ address: `unix:${path}`, port: undefined });
    const [response] = await once(request({ socketPath: path, path: '/a', agent: false }).end(), 'response');
    response.resume();
    expect(response.statusCode).toBe(200);
    await server.close();
    const again = await startServer(proxy, { bind: { kind: 'unix', path } });
    await again.close();
  });

  it('can be a socket file that a killed server has left behind', async () => {
    const path = join(await folder(), 'proxy.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
    const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(other.stdout, 'data');
    await expect(startServer(proxy, { bind: { kind: 'unix', path } })).rejects.toThrow('listens on');
    other.kill('SIGKILL');
    await once(other, 'exit');
    const server = await startServer(proxy, { bind: { kind: 'unix', path } });
    await server.close();
  });

  it('cannot be a port in use, and the error says what to do', async () => {
    const { port } = await serve(proxy);
    await expect(startServer(proxy, { bind: { kind: 'tcp', host: '127.0.0.1', port } })).rejects.toThrow(
      `Something else listens on 127.0.0.1:${port} already: stop it, or choose another bind (TINTYPE_BIND).`,
    );
  });

  it.each([
    [{ kind: 'tcp', host: '192.0.2.1', port: 0 }, 'This machine has no address 192.0.2.1:0'],
    [
      { kind: 'unix', path: '/nowhere/at/all.sock' },
      'Cannot create the socket /nowhere/at/all.sock: its folder must exist',
    ],
    [{ kind: 'unix', path: `/tmp/${'x'.repeat(200)}` }, 'at most 107 bytes'],
  ] as const)('cannot be %j', async (bind, sentence) => {
    await expect(startServer(proxy, { bind })).rejects.toThrow(sentence);
  });

  it('is never taken from a file that is no socket', async () => {
    const path = join(await folder(), 'precious');
    await writeFile(path, 'text');
    await expect(startServer(proxy, { bind: { kind: 'unix', path } })).rejects.toThrow('listens on');
  });
});

describe('a stop', () => {
  it('finishes what is in flight, says that the connection ends, and takes nothing new', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const slow = proxyOf(async () => {
      asked.resolve();
      await answer.promise;
      return image(Buffer.from('the whole image'));
    });
    const server = await serve(slow, { closeTimeout: 600 });
    const socket = await dial(server.port);
    socket.write(KEPT);
    await asked.promise;
    const closed = server.close();
    await expect(dial(server.port)).rejects.toThrow('ECONNREFUSED');
    answer.resolve();
    const text = await everything(socket);
    expect(text).toMatch(/connection: close\r\n[\s\S]*the whole image$/i);
    await closed;
  });

  it('says not ready at once, but serves until the drain delay is over', async () => {
    const server = await serve(proxy, { drainDelay: 0.3 });
    const drain = Promise.withResolvers<never>();
    // It is over when we say so, however long the requests take.
    const delay = vi.spyOn(timers, 'setTimeout').mockReturnValue(drain.promise);
    syncBuiltinESMExports();
    try {
      const closed = server.close();
      expect(delay).toHaveBeenCalledWith(300);
      expect(await talk(server.port, get('/readyz'))).toMatch(/^HTTP\/1\.1 503 /);
      const text = await everything(await write(server.port, KEPT));
      expect(text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*connection: close/i);
      drain.resolve(undefined as never);
      await closed;
      await expect(dial(server.port)).rejects.toThrow('ECONNREFUSED');
    } finally {
      drain.resolve(undefined as never);
      delay.mockRestore();
      syncBuiltinESMExports();
    }
  });

  it('closes idle connections and those that never asked for anything', async () => {
    const server = await serve(proxy, { closeTimeout: 600 });
    const silent = await dial(server.port);
    const idle = await write(server.port, KEPT);
    await received(idle, 'bytes');
    const ends = [everything(silent), everything(idle)];
    await server.close();
    await Promise.all(ends);
  });

  it('closes a connection whose answer had begun before, once it is idle', async () => {
    const more = Promise.withResolvers<void>();
    const body = async function* () {
      yield Buffer.from('first');
      await more.promise;
      yield Buffer.from('last');
    };
    const server = await serve(
      proxyOf(async () => image(body())),
      { closeTimeout: 600 },
    );
    const socket = await write(server.port, KEPT);
    await received(socket, 'first');
    const closed = server.close();
    more.resolve();
    expect(await everything(socket)).toContain('last\r\n0\r\n\r\n');
    await closed;
  });

  it('breaks off what does not end before the deadline', async () => {
    const log = capturedLog();
    const asked = Promise.withResolvers<void>();
    const endless = proxyOf(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const server = await serve(endless, { closeTimeout: 0.1, logger: log.logger });
    const text = everything(await write(server.port, KEPT));
    await asked.promise;
    await server.close();
    expect(await text).toBe('');
    expect(await log.line(({ url }) => url === '/a')).toMatchObject({ status: 499 });
    expect(endless.asked[0]?.signal.aborted).toBe(true);
  });

  it('that is asked for twice is one stop', async () => {
    const server = await serve(proxy);
    expect(server.close()).toBe(server.close());
    await server.close();
  });

  it('leaves the proxy open', async () => {
    let closed = 0;
    const server = await serve({ ...proxy, close: async () => void closed++ });
    await server.close();
    expect(closed).toBe(0);
  });
});

describe('limits', () => {
  it('on the header size answer 431', async () => {
    const log = capturedLog();
    const { port } = await serve(proxy, { maxHeaderSize: 2_000, logger: log.logger });
    const answer = await talk(port, get(`/${'a'.repeat(3_000)}`));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('x-content-type-options: nosniff\r\n');
    expect(await log.line(({ status }) => status === 431)).toMatchObject({ level: 40, problem: 'HPE_HEADER_OVERFLOW' });
  });

  it.each(['nonsense\r\n\r\n', 'GET /a HTTP/1.1\r\n\r\n', 'GET /\u00e4 HTTP/1.1\r\nHost: x\r\n\r\n'])(
    'on what is HTTP answer 400: %j',
    async (text) => {
      const { port } = await serve(proxy);
      expect(await talk(port, text)).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  it('on the time for headers answer 408', async () => {
    const { port } = await serve(proxy, { headersTimeout: 0.2 });
    expect(await everything(await write(port, 'GET /a HTTP/1.1\r\nHost: te'))).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('on connections refuse one too many, log the first and the rest when it stops, and count all', async () => {
    const log = capturedLog();
    let counted = 0;
    const metrics = { write: () => {}, malformed: () => {}, refusedConnection: () => counted++ };
    const server = await serve(proxy, { maxConnections: 1, logger: log.logger, metrics });
    const { port } = server;
    const first = await write(port, KEPT);
    await received(first, 'bytes');
    expect(await everything(await dial(port))).toBe('');
    await everything(await dial(port));
    const told = () => log.lines.flatMap(({ dropped, total }) => (dropped === undefined ? [] : [[dropped, total]]));
    expect([told(), counted]).toEqual([[[1, 1]], 2]);
    first.destroy();
    await server.close();
    expect(told()).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  it('on idle connections are those of a load balancer', async () => {
    const { port } = await serve(proxy);
    const socket = await write(port, KEPT);
    expect(await received(socket, 'bytes')).toContain('Keep-Alive: timeout=90\r\n');
    socket.destroy();
  });

  it('on idle connections can be set', async () => {
    const { port } = await serve(proxy, { keepAliveTimeout: 0.1 });
    expect(await everything(await write(port, KEPT))).toContain('bytes');
  });
});

async function write(port: number, text: string): Promise<Socket> {
  const socket = await dial(port);
  socket.write(text);
  return socket;
}
