import type { ProxyLoad, ProxyResponse } from '@tintype/core';
import { expect, onTestFinished, test } from 'vitest';
import { capturedLog, image, LOOPBACK, proxyOf } from '../loopback.fixture.ts';
import { startServer } from '../start-server.ts';
import { METRICS } from './catalogue.ts';
import { Metrics, type MetricsOptions } from './metrics.ts';
import { startMetricsServer } from './metrics-server.ts';
import { MetricsSum } from './sum.ts';

const BODY = Buffer.from('12345');

const IDLE: ProxyLoad = {
  waiting: 0,
  making: 0,
  queued: 0,
  transforms: 0,
  maxTransforms: 4,
  reservedMemory: 0,
  memoryBudget: Number.POSITIVE_INFINITY,
  storeQueue: { length: 0, bytes: 0 },
  storages: [],
};

function metricsOf(options: Partial<MetricsOptions> = {}): Metrics {
  return new Metrics({ namespace: '', load: () => IDLE, droppedLines: () => 0, tellsShared: true, ...options });
}

/** A server with metrics, both on sockets of their own. */
async function serve(answer: () => ProxyResponse, metrics = metricsOf()) {
  const { logger } = capturedLog();
  const server = await startServer(
    proxyOf(async () => answer()),
    { bind: LOOPBACK, logger, metrics },
  );
  const scraped = await startMetricsServer({ bind: LOOPBACK, text: () => metrics.text() });
  onTestFinished(async () => {
    await Promise.all([server.close(), scraped.close()]);
  });
  return {
    ask: async (path = '/x') => void (await (await fetch(server.address + path)).arrayBuffer()),
    scrape: () => scrape(scraped.address),
    address: scraped.address,
  };
}

/** Every series by its name and labels. */
async function scrape(address: string): Promise<ReadonlyMap<string, number>> {
  return seriesOf(await (await fetch(`${address}/metrics`)).text());
}

function seriesOf(text: string): ReadonlyMap<string, number> {
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(rows.map((row) => [row.slice(0, row.lastIndexOf(' ')), Number(row.slice(row.lastIndexOf(' ') + 1))]));
}

test('hits are counted with their bytes, by status and as hits', async () => {
  const { ask, scrape } = await serve(() => image(BODY));
  for (let nth = 0; nth < 3; nth++) await ask();
  const first = await scrape();
  expect(first.get('requests_total')).toBe(3);
  expect(first.get('status_codes_total{status="200"}')).toBe(3);
  expect(first.get('cache_hits_total')).toBe(3);
  expect(first.get('cache_requests_total{result="hit"}')).toBe(3);
  expect(first.get('response_bytes_total')).toBe(15);
  expect(first.get('request_duration_seconds_count')).toBe(0);
  await ask();
  expect((await scrape()).get('cache_hits_total')).toBe(4);
});

test('what is no hit is timed, and counted by what the cache did', async () => {
  const answers: ProxyResponse['cache'][] = [
    { kind: 'miss', reason: 'uri-miss', collapsed: false, stored: true },
    { kind: 'miss', reason: 'uri-miss', collapsed: true, stored: true },
    { kind: 'miss', reason: 'stale', collapsed: false, stored: true },
    { kind: 'hit', ttl: -1, detail: 'swr' },
    { kind: 'bypass' },
  ];
  const { ask, scrape } = await serve(() => ({ ...image(BODY), cache: answers.shift() ?? { kind: 'bypass' } }));
  for (let nth = 0; nth < 5; nth++) await ask();
  const found = await scrape();
  for (const result of ['miss', 'collapsed', 'stale', 'bypass']) {
    expect(found.get(`cache_requests_total{result="${result}"}`)).toBe(1);
  }
  expect(found.get('cache_misses_total')).toBe(3);
  expect(found.get('cache_hits_total')).toBe(1);
  expect(found.get('cache_requests_total{result="updating"}')).toBe(1);
  expect(found.get('cache_requests_total{result="hit"}')).toBeUndefined();
  expect(found.get('request_duration_seconds_count')).toBe(4);
});

test('errors are counted by their words, of which there are at most a hundred and `other`', async () => {
  let nth = 0;
  const refused = (): ProxyResponse => ({
    status: 403,
    headers: {},
    body: BODY,
    cache: { kind: 'refused' },
    problem: { code: `word-${nth++}` },
  });
  const { ask, scrape } = await serve(refused);
  for (let asked = 0; asked < 120; asked++) await ask();
  const types = [...(await scrape())].filter(([name]) => name.startsWith('errors_total'));
  expect(types).toHaveLength(101);
  expect(new Map(types).get('errors_total{type="other"}')).toBe(20);
});

test('probes do not count', async () => {
  const { ask, scrape } = await serve(() => image(BODY));
  await ask('/livez');
  await ask('/readyz');
  expect((await scrape()).get('requests_total')).toBe(0);
});

test('what the core tells becomes histograms and counters', async () => {
  const metrics = metricsOf();
  metrics.observe({ type: 'storage-operation', storage: 'fs', operation: 'get', ms: 3 });
  metrics.observe({ type: 'storage-operation', storage: 'fs', operation: 'put', ms: 30, code: 'timeout' });
  metrics.observe({ type: 'storage-state', storage: 'fs', access: 'writes', state: 'paused', code: 'timeout' });
  metrics.observe({ type: 'cache-error', operation: 'get', code: 'timeout', message: '' });
  metrics.observe({ type: 'store-dropped', reason: 'queue-full' });
  metrics.observe({ type: 'entry-dropped', reason: 'corrupt' });
  metrics.observe({ type: 'revalidated', outcome: 'same', background: true });
  metrics.observe({ type: 'fetched', scheme: 'http', status: 200, ms: 1 });
  metrics.observe({ type: 'fetched', scheme: 'http', status: 12345, ms: 1 });
  metrics.observe({ type: 'waited', ms: 2 });
  metrics.observe({ type: 'downloaded', ms: 20, bytes: 100 });
  metrics.observe({ type: 'transformed', ms: 200, bytesIn: 100, bytesOut: 50 });
  metrics.observe({ type: 'stored', ms: 1, bytes: 50 });
  metrics.childEnded();
  metrics.refusedConnection();
  const found = seriesOf(await metrics.text());
  const expected: Readonly<Record<string, number>> = {
    'storage_operation_duration_seconds_bucket{le="0.0025",storage="fs",operation="get"}': 0,
    'storage_operation_duration_seconds_bucket{le="0.005",storage="fs",operation="get"}': 1,
    'storage_operation_duration_seconds_sum{storage="fs",operation="put"}': 0.03,
    'storage_errors_total{storage="fs",operation="put",code="timeout"}': 1,
    'storage_paused{storage="fs",access="writes"}': 1,
    'cache_revalidations_total{outcome="same",background="true"}': 1,
    'cache_errors_total{operation="get",code="timeout"}': 1,
    'store_dropped_total{reason="queue-full"}': 1,
    'cache_entries_dropped_total{reason="corrupt"}': 1,
    'origin_responses_total{scheme="http",status="200"}': 1,
    'origin_responses_total{scheme="http",status="other"}': 1,
    'request_span_duration_seconds_sum{span="queue"}': 0.002,
    'request_span_duration_seconds_sum{span="downloading"}': 0.02,
    'request_span_duration_seconds_sum{span="processing"}': 0.2,
    downloaded_bytes_total: 100,
    transformed_bytes_total: 50,
    stored_bytes_total: 50,
    transform_process_ends_total: 1,
    connections_refused_total: 1,
  };
  for (const [series, value] of Object.entries(expected)) expect([series, found.get(series)]).toEqual([series, value]);
});

test('how busy the proxy is, is asked for at each scrape', async () => {
  let load: ProxyLoad | undefined;
  let droppedLines = 5;
  const metrics = metricsOf({ load: () => load, droppedLines: () => droppedLines, tellsShared: false });
  expect(seriesOf(await metrics.text()).get('processes')).toBe(0);
  load = {
    ...IDLE,
    waiting: 7,
    queued: 3,
    transforms: 1,
    reservedMemory: 1_000,
    storeQueue: { length: 2, bytes: 20 },
    storages: [
      { id: 'memory', shared: false, usage: { bytes: 10, entries: 2, evicted: 4 } },
      { id: 'fs', shared: true, usage: { bytes: 100, evicted: 1 } },
    ],
  };
  droppedLines = 8;
  const found = seriesOf(await metrics.text());
  const expected: Readonly<Record<string, number | undefined>> = {
    requests_in_progress: 7,
    queue_length: 3,
    images_in_progress: 1,
    workers: 4,
    workers_utilization: 25,
    memory_reserved_bytes: 1_000,
    memory_budget_bytes: 0,
    store_queue_length: 2,
    store_queue_bytes: 20,
    log_lines_dropped_total: 8,
    'storage_bytes{storage="memory"}': 10,
    'storage_entries{storage="memory"}': 2,
    'storage_evicted_total{storage="memory"}': 4,
    'storage_evicted_total{storage="fs"}': 1,
    // Another process tells it.
    'storage_bytes{storage="fs"}': undefined,
    processes: 1,
  };
  for (const [series, value] of Object.entries(expected)) expect([series, found.get(series)]).toEqual([series, value]);
});

test('every name has the namespace but those that all programs have', async () => {
  const text = await metricsOf({ namespace: 'shop' }).text();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  for (const name of Object.keys(METRICS)) expect(names).toContain(`shop_${name}`);
  expect(names.filter((name) => !/^(shop|process|nodejs)_/.test(name))).toEqual([]);
  expect(names).toContain('process_resident_memory_bytes');
});

test('several processes are one sum, which does not shrink when one of them ends', async () => {
  const [one, two] = [metricsOf(), metricsOf()];
  const sum = new MetricsSum();
  const count = async () => {
    sum.update(1, await one.snapshot());
    sum.update(2, await two.snapshot());
    return seriesOf(await sum.text());
  };
  one.observe({ type: 'stored', ms: 1, bytes: 10 });
  two.observe({ type: 'stored', ms: 1, bytes: 5 });
  two.observe({ type: 'waited', ms: 100 });
  const before = await count();
  expect(before.get('stored_bytes_total')).toBe(15);
  expect(before.get('processes')).toBe(2);
  expect(before.get('workers')).toBe(8);
  expect((await count()).get('stored_bytes_total')).toBe(15);

  await sum.ended(2);
  const three = metricsOf();
  three.observe({ type: 'stored', ms: 1, bytes: 1 });
  sum.update(3, await three.snapshot());
  await sum.ended(3);
  const after = seriesOf(await sum.text());
  expect(after.get('stored_bytes_total')).toBe(16);
  expect(after.get('request_span_duration_seconds_bucket{le="0.1",span="queue"}')).toBe(1);
  expect(after.get('processes')).toBe(1);
});

test('its server answers GET and HEAD at any path, and nothing else', async () => {
  const { address } = await serve(() => image(BODY));
  const found = await fetch(`${address}/whatever`);
  expect(found.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(found.headers.get('cache-control')).toBe('no-store');
  expect(await found.text()).toContain('# TYPE requests_total counter');
  expect(await (await fetch(address, { method: 'HEAD' })).text()).toBe('');
  expect((await fetch(address, { method: 'POST' })).status).toBe(405);
});

test('what cannot be told is a 503', async () => {
  const server = await startMetricsServer({ bind: LOOPBACK, text: () => Promise.reject(new Error('no')) });
  onTestFinished(() => server.close());
  expect((await fetch(server.address)).status).toBe(503);
});

test('an address that is taken names the variable', async () => {
  const { address } = await serve(() => image(BODY));
  const bind = { ...LOOPBACK, port: Number(new URL(address).port) };
  await expect(startMetricsServer({ bind, text: async () => '' })).rejects.toThrow(/TINTYPE_PROMETHEUS_BIND/);
});
