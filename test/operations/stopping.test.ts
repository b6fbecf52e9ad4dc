import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ask } from './client.ts';
import { CAN_SEE_CHILDREN, childrenOf, IMAGES, isAlive, TintypeProcess, until } from './tintype-process.ts';

const FAILING_CLOSE = fileURLToPath(new URL('./failing-close.ts', import.meta.url));

/** A source whose images come when the test says so. */
async function slowSource() {
  const asked: ServerResponse[] = [];
  let wake = () => {};
  const server = createServer({ keepAliveTimeout: 0 }, (_request, response) => {
    asked.push(response);
    wake();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/photo.png`,
    async request(): Promise<ServerResponse> {
      while (asked.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return asked[0] as ServerResponse;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Longer than the test: what ends an answer is how the proxy is stopped. */
const PATIENT = { TINTYPE_TIMEOUT: '600', TINTYPE_DOWNLOAD_TIMEOUT: '600' };

const FROM_LOOPBACK = { TINTYPE_ALLOW_LOOPBACK_SOURCE_ADDRESSES: 'true' };

describe.each(['1', '2'])('with TINTYPE_PROCESSES=%s', (processes) => {
  const env = { ...FROM_LOOPBACK, TINTYPE_PROCESSES: processes };

  test('a slow transform that is in flight at SIGTERM is answered', async () => {
    await using source = await slowSource();
    await using proxy = new TintypeProcess({ env: { ...env, ...PATIENT, TINTYPE_GRACEFUL_STOP_TIMEOUT: '170' } });
    const address = await proxy.serves();
    // AVIF at this size takes seconds.
    const answer = ask(`${address}/unsafe/rs:fill:1600:1600/el:1/f:avif/plain/${source.url}`);
    const response = await source.request();
    response.end(await readFile(join(IMAGES, 'astronaut.png')));
    await once(response, 'finish');
    proxy.signal('SIGTERM');
    const { status, headers, body } = await answer;
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('image/avif');
    expect(body.length).toBe(Number(headers['content-length']));
    expect(await proxy.ended).toEqual({ code: 0, signal: null });
    const told = proxy.lines.findIndex(({ msg }) => msg.startsWith('Stopping after SIGTERM'));
    expect(told).toBeGreaterThan(-1);
    expect(proxy.lines.findIndex(({ msg }) => msg === 'request')).toBeGreaterThan(-1);
  }, 180_000);

  test('what is not answered in time is broken off', async () => {
    await using source = await slowSource();
    await using proxy = new TintypeProcess({
      env: { ...env, ...PATIENT, TINTYPE_GRACEFUL_STOP_TIMEOUT: '0.2' },
    });
    const address = await proxy.serves();
    const answer = ask(`${address}/unsafe/rs:fit:60/plain/${source.url}`).catch((error: Error) => error);
    await source.request();
    proxy.signal('SIGTERM');
    expect(await answer).toBeInstanceOf(Error);
    expect((await proxy.ended).code).toBe(0);
  }, 180_000);

  test('a cache that cannot be closed is told of, and keeps it from ending no more than its open metrics', async () => {
    await using proxy = new TintypeProcess({
      env: {
        ...env,
        TINTYPE_PLUGINS: FAILING_CLOSE,
        TINTYPE_CACHE_USE: 'failing',
        TINTYPE_PROMETHEUS_BIND: '127.0.0.1:0',
      },
    });
    const address = await proxy.serves();
    expect((await ask(`${address}/unsafe/rs:fit:60/plain/local:///rocket.jpg`)).status).toBe(200);
    expect(await proxy.stop()).toBe(0);
    const { level } = await proxy.said(
      /^The cache could not be closed: Cache folder \/data: the file system is mounted read-only \(EROFS\); it ends all the same\.$/,
    );
    expect(level).toBe(40);
    expect(proxy.lines.at(-1)?.msg).toBe('Stopped.');
    expect(proxy.lines.filter(({ level }) => level > 40)).toEqual([]);
  }, 180_000);

  test.runIf(CAN_SEE_CHILDREN)(
    'a second SIGTERM ends it at once, with everything that belongs to it',
    async () => {
      await using source = await slowSource();
      await using proxy = new TintypeProcess({
        env: { ...env, ...PATIENT, TINTYPE_DRAIN_DELAY: '600' },
      });
      const address = await proxy.serves();
      const children = await childrenOf(proxy.pid);
      const answer = ask(`${address}/unsafe/rs:fit:60/plain/${source.url}`).catch((error: Error) => error);
      await source.request();
      proxy.signal('SIGTERM');
      await proxy.said(/^Stopping after SIGTERM/);
      proxy.signal('SIGTERM');
      expect(await proxy.ended).toEqual({ code: null, signal: 'SIGTERM' });
      expect(await answer).toBeInstanceOf(Error);
      await until(async () => !(await Promise.all(children.map(isAlive))).includes(true));
    },
    180_000,
  );
});
