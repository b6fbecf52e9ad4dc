import { expect, test } from 'vitest';
import { ask } from './client.ts';
import { Folder, TintypeProcess, until, WITHOUT_CHILD } from './tintype-process.ts';

const THUMBNAIL = '/unsafe/rs:fit:60/plain/local:///rocket.jpg';
const ON = { TINTYPE_PROMETHEUS_BIND: '127.0.0.1:0' };

/** Where it says that its metrics are. */
async function metricsOf(proxy: TintypeProcess): Promise<() => Promise<ReadonlyMap<string, number>>> {
  const { msg } = await proxy.said(/^Serving on /);
  const address = /metrics on (http:\/\/[^;]+)/.exec(msg)?.[1] ?? '';
  return async () => {
    const { body } = await ask(`${address}/metrics`);
    const rows = String(body)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(rows.map((row) => [row.slice(0, row.lastIndexOf(' ')), Number(row.split(' ').at(-1))]));
  };
}

test('one process counts hits, misses, storage operations and transforms', async () => {
  await using folder = await Folder.make();
  await using proxy = new TintypeProcess({
    env: { ...ON, TINTYPE_CACHE_TIERS: 'memory,fs', TINTYPE_CACHE_FS_ROOT: `${folder.path}/cache` },
  });
  const address = await proxy.serves();
  const scrape = await metricsOf(proxy);
  await ask(address + THUMBNAIL);
  await until(async () => String((await ask(address + THUMBNAIL)).headers['cache-status']).includes('hit'));
  expect((await ask(`${address}/unsafe/plain/local:///none.jpg`)).status).toBe(404);
  const puts = 'storage_operation_duration_seconds_count{storage="fs",operation="put"}';
  // The answer waits neither for the slower tier nor for what is counted of it.
  await until(async () => {
    const found = await scrape();
    return found.has(puts) && found.has('status_codes_total{status="404"}');
  });
  const found = await scrape();
  expect(found.get('cache_misses_total')).toBeGreaterThanOrEqual(1);
  expect(found.get('cache_hits_total')).toBeGreaterThanOrEqual(1);
  expect(found.get('storage_operation_duration_seconds_count{storage="fs",operation="get"}')).toBeGreaterThanOrEqual(1);
  expect(found.get(puts)).toBe(1);
  expect(found.get('storage_entries{storage="memory"}')).toBe(1);
  expect(found.get('request_span_duration_seconds_count{span="processing"}')).toBe(1);
  expect(found.get('origin_responses_total{scheme="local",status="404"}')).toBe(1);
  expect(found.get('status_codes_total{status="404"}')).toBe(1);
  expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(found.get('transform_processes_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(await proxy.stop()).toBe(0);
}, 180_000);

test('two processes are one sum, and one that is killed takes nothing away', async () => {
  await using proxy = new TintypeProcess({
    env: { ...ON, TINTYPE_PROCESSES: '2', TINTYPE_PROMETHEUS_NAMESPACE: 'shop' },
  });
  const address = await proxy.serves();
  const scrape = await metricsOf(proxy);
  for (let connection = 0; connection < 20; connection++) expect((await ask(address + THUMBNAIL)).status).toBe(200);
  await until(async () => (await scrape()).get('shop_requests_total') === 20);
  await until(async () => (await scrape()).get('shop_processes') === 2);
  const { pid: victim } = await proxy.said(/^request$/);
  process.kill(victim, 'SIGKILL');
  await proxy.said(/The serving process was replaced/);
  await ask(address + THUMBNAIL);
  await until(async () => (await scrape()).get('shop_requests_total') === 21);
  await until(async () => (await scrape()).get('shop_processes') === 2);
  expect(await proxy.stop()).toBe(0);
}, 180_000);

test('an address that is taken is told at once, with exit code 2', async () => {
  await using taken = new TintypeProcess({ env: WITHOUT_CHILD });
  const { port } = new URL(await taken.serves());
  await using proxy = new TintypeProcess({ env: { ...WITHOUT_CHILD, TINTYPE_PROMETHEUS_BIND: `127.0.0.1:${port}` } });
  expect(await proxy.ended).toEqual({ code: 2, signal: null });
}, 180_000);
