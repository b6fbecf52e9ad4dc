import type { ProxyEvent } from '@tintype/core';
import { createLogger } from '@tintype/server';
import { expect, test } from 'vitest';
import { EventLog } from './event-log.ts';

const DENIED = { type: 'cache-error', operation: 'put', code: 'access-denied', message: 'No.' } as const;
const SLOW = { type: 'cache-error', operation: 'get', code: 'timeout', message: 'Late.' } as const;

function logged(steps: readonly (ProxyEvent | number)[]): object[] {
  const lines: object[] = [];
  let now = 0;
  const log = new EventLog(() => now);
  log.writeTo(
    createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (line) => void lines.push(JSON.parse(line)) },
    }),
  );
  for (const step of steps) {
    if (typeof step === 'number') now += step;
    else log.observe(step);
  }
  return lines;
}

test('a failing cache is logged once per kind and minute', () => {
  expect(logged([DENIED, DENIED, SLOW, 59_999, DENIED, SLOW])).toMatchObject([
    { level: 40, operation: 'put', code: 'access-denied', times: 1, msg: 'The cache failed: No.' },
    { level: 40, operation: 'get', code: 'timeout', times: 1 },
  ]);
});

test('a line about a process that ended names it apart from the one that writes, each once', () => {
  const lines: string[] = [];
  const log = new EventLog();
  log.writeTo(createLogger({ level: 'info', format: 'json', destination: { write: (line) => void lines.push(line) } }));
  log.childEnded('was ended by SIGKILL', 4711);
  expect(lines.join('').match(/"pid":/g)).toHaveLength(1);
  expect(JSON.parse(lines.join(''))).toMatchObject({ pid: process.pid, endedPid: 4711 });
});

test('what a storage says has no secrets in the log, whoever wrote its plugin', () => {
  const message = 'GET https://alice:secret@host/c?sig=abcdef with Bearer abcdefgh failed';
  expect(logged([{ ...DENIED, message }])).toMatchObject([
    { msg: 'The cache failed: GET https://***@host/c?sig=*** with Bearer *** failed' },
  ]);
});

test('the next line tells how often it happened in between', () => {
  expect(logged([DENIED, DENIED, DENIED, 60_000, DENIED])).toMatchObject([{ times: 1 }, { times: 3 }]);
});

test('a storage that is left alone, and its return, are told once each', () => {
  const reads = { type: 'storage-state', storage: 's3', access: 'reads' } as const;
  expect(
    logged([
      { ...reads, state: 'paused', code: 'timeout' },
      { type: 'store-dropped', reason: 'paused' },
      { type: 'store-dropped', reason: 'first-request' },
      { ...reads, state: 'working' },
    ]),
  ).toMatchObject([
    {
      level: 40,
      storage: 's3',
      code: 'timeout',
      msg: 'The cache storage s3 is left alone for a while, because its reads fail (timeout); images are served without it.',
    },
    { level: 30, storage: 's3', msg: 'The cache storage s3 works again: its reads go on.' },
  ]);
});

test('a dropped entry and a result that was not stored are logged too', () => {
  expect(
    logged([
      { type: 'entry-dropped', reason: 'corrupt' },
      { type: 'store-dropped', reason: 'queue-full' },
    ]),
  ).toMatchObject([{ reason: 'corrupt' }, { reason: 'queue-full' }]);
});

test('what goes well is not logged', () => {
  expect(logged([{ type: 'stored', ms: 1, bytes: 1 }])).toEqual([]);
});

test('where a failing cache fails requests, no line says that images are served without it', () => {
  const lines: { readonly msg: string }[] = [];
  const log = new EventLog();
  log.writeTo(
    createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (text) => void lines.push(JSON.parse(text)) },
    }),
  );
  log.failsRequests(() => true);
  log.observe({ type: 'storage-state', storage: 's3', access: 'reads', state: 'paused', code: 'timeout' });
  log.observe({ type: 'storage-state', storage: 's3', access: 'writes', state: 'paused', code: 'timeout' });
  for (const { msg } of lines)
    expect(msg).toMatch(/; what needs it is answered with 500, as TINTYPE_CACHE_REPORT_ERRORS says\.$/);
  expect(lines).toHaveLength(2);
});

test('transforming processes that end again and again are told once a minute, and their recovery once', () => {
  const lines: object[] = [];
  let now = 0;
  const log = new EventLog(() => now);
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  log.writeTo(createLogger({ level: 'info', format: 'json', destination }));
  log.childrenRecovered();
  log.childrenPaused('was ended by SIGKILL', 1_600);
  log.childrenPaused('was ended by SIGKILL', 3_200);
  now += 60_000;
  log.childrenPaused('was ended by SIGKILL', 5_000);
  log.childrenRecovered();
  log.childrenPaused('was ended by SIGKILL', 1_600);
  log.childrenRecovered();
  const again =
    'Transforming processes end again and again, the last one was ended by SIGKILL: another one is started in';
  const alone = 'Where there is none besides, no image is made until then.';
  expect(lines).toMatchObject([
    { level: 40, times: 1, pauseMs: 1_600, msg: `${again} 1.6 s. ${alone}` },
    { level: 40, times: 2, pauseMs: 5_000, msg: `${again} 5 s. ${alone}` },
    { level: 30, msg: 'Transforming processes work again.' },
  ]);
  expect(lines).toHaveLength(3);
});
