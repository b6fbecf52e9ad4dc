import { expect, it } from 'vitest';
import { LogBuffer } from './log-buffer.ts';
import { createLogger, flushLog } from './logger.ts';
import { RequestLog, type RequestRecord } from './request-log.ts';

/** A reader of the log that takes what it is given when it is told to. */
function slowReader() {
  let read = '';
  let release: (() => void) | undefined;
  const asked: (() => void)[] = [];
  return {
    write(text: string, done: (error?: Error | null) => void): void {
      release = () => {
        release = undefined;
        read += text;
        done();
      };
      for (const wake of asked.splice(0)) wake();
    },
    /** Takes everything that there is and that follows from it. */
    takeAll(): string {
      while (release !== undefined) release();
      return read;
    },
    stalled: () => release !== undefined,
  };
}

const lines = (count: number): string => 'a line\n'.repeat(count);

it('a reader that stalls costs lines and no memory, and a later line tells how many', () => {
  const reader = slowReader();
  const log = new LogBuffer(reader.write, { maxWaiting: 100_000 });
  const logger = createLogger({ level: 'info', format: 'json', destination: log });
  for (let line = 0; line < 50_000; line++) log.write('a line\n');
  expect(reader.stalled()).toBe(true);
  const written = Math.floor(100_000 / 7);
  log.flush();
  const text = reader.takeAll();
  expect(text.startsWith(lines(written))).toBe(true);
  const [told = '', ...more] = text.slice(lines(written).length).split('\n');
  expect(JSON.parse(told)).toMatchObject({ level: 40, dropped: 50_000 - written });
  expect(more).toEqual(['']);
  logger.info('goes on');
  log.flush();
  expect(reader.takeAll()).toContain('goes on');
});

it('lines that come together are counted one by one', () => {
  const reader = slowReader();
  let told = 0;
  const log = new LogBuffer(reader.write, { maxWaiting: 8, onDropped: (count) => (told = count) });
  log.write('first\n');
  log.write(lines(3));
  log.flush();
  expect(reader.takeAll()).toBe('first\n');
  expect(told).toBe(3);
});

it('a reader that has gone is written to no more', () => {
  let writes = 0;
  const log = new LogBuffer((_, done) => {
    writes += 1;
    done(new Error('EPIPE'));
  });
  log.write('a line\n');
  log.flush();
  log.write('another\n');
  log.flush();
  expect(writes).toBe(1);
});

it('flushing does not wait longer than it is told for a reader that never comes', async () => {
  const logger = createLogger({ level: 'info', format: 'json', destination: new LogBuffer(() => {}) });
  logger.info('unread');
  expect(await flushLog(logger, 20)).toBe(false);
});

it('flushing waits for what is under way', async () => {
  const log = new LogBuffer((_, done) => setImmediate(() => done(undefined)));
  const logger = createLogger({ level: 'info', format: 'json', destination: log });
  logger.info('read');
  expect(await flushLog(logger, 10_000)).toBe(true);
});

it('of hits only the share is logged that is asked for, and of other requests all', () => {
  const read: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line) => read.push(line) } });
  let share = 0;
  const requests = new RequestLog(logger, '', { logHits: () => share });
  const hit: RequestRecord = {
    method: 'GET',
    target: '/unsafe/plain/local:///a.jpg',
    id: 'a',
    status: 200,
    bytes: 5,
    ms: 1,
    cache: { kind: 'hit', ttl: 60 },
    problem: undefined,
  };
  for (let request = 0; request < 100; request++) requests.write(hit);
  expect(read).toHaveLength(0);
  requests.write({ ...hit, cache: { kind: 'miss', reason: 'uri-miss', collapsed: false, stored: true } });
  expect(read).toHaveLength(1);
  share = 0.5;
  for (let request = 0; request < 1_000; request++) requests.write(hit);
  expect(read.length).toBeGreaterThan(300);
  expect(read.length).toBeLessThan(700);
  share = 1;
  requests.write(hit);
  expect(read.at(-1)).toContain('"cache":"hit"');
});
