import { afterEach, expect, it } from 'vitest';
import { capturedLog, closeServers, get, image, proxyOf, serve, talk } from './loopback.fixture.ts';

afterEach(closeServers);

it.each(['/livez', '/health', '/readyz', '/livez?verbose'])('%s answers without the pipeline', async (path) => {
  const proxy = proxyOf(async () => image(undefined));
  const { address, port } = await serve(proxy);
  const response = await fetch(address + path);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  const text = await response.text();
  expect(text).toMatch(/^The proxy is .+\.\n$/);
  const head = await talk(port, get(path).replace('GET', 'HEAD'));
  expect(head).toContain(`content-length: ${text.length}\r\n`);
  expect(head.endsWith('\r\n\r\n')).toBe(true);
  expect(proxy.asked).toHaveLength(0);
});

it('/readyz is 503 until the proxy is ready, and /livez is not', async () => {
  let open = false;
  const { address } = await serve(
    proxyOf(async () => image(undefined)),
    { ready: () => open },
  );
  expect((await fetch(`${address}/readyz`)).status).toBe(503);
  expect((await fetch(`${address}/livez`)).status).toBe(200);
  open = true;
  expect((await fetch(`${address}/readyz`)).status).toBe(200);
});

it('/favicon.ico is a short 404', async () => {
  const proxy = proxyOf(async () => image(undefined));
  const { address } = await serve(proxy);
  const response = await fetch(`${address}/favicon.ico`);
  expect(response.status).toBe(404);
  expect(await response.text()).toBe('There is no icon here.\n');
  expect(proxy.asked).toHaveLength(0);
});

it('probes are logged as debug, whatever they tell', async () => {
  const log = capturedLog();
  const { address } = await serve(
    proxyOf(async () => image(undefined)),
    { logger: log.logger, ready: () => false },
  );
  await fetch(`${address}/livez`);
  await fetch(`${address}/readyz`);
  expect(await log.line(({ url }) => url === '/livez')).toMatchObject({ level: 20, status: 200 });
  expect(await log.line(({ url }) => url === '/readyz')).toMatchObject({ level: 20, status: 503 });
});
