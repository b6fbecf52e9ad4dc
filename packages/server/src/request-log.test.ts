import { OriginError, TransformError } from '@tintype/core';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';
import { capturedLog, closeServers, image, proxyOf, serve } from './loopback.fixture.ts';
import { RequestLog, type RequestRecord } from './request-log.ts';

afterEach(closeServers);

const HIT: RequestRecord = {
  method: 'GET',
  target: '/unsafe/w:3/plain/local:///a.jpg',
  id: 'id-1',
  status: 200,
  bytes: 5,
  ms: 1.23456,
  cache: { kind: 'hit', ttl: 9 },
  problem: undefined,
};

const problem = { code: 'source-not-found' };

describe('the line of a request', () => {
  it('tells method, URL, status, bytes, time, cache and id', async () => {
    const log = capturedLog('info');
    const { address } = await serve(
      proxyOf(async () => image(Buffer.from('12345'))),
      { logger: log.logger },
    );
    const response = await fetch(`${address}/signature/w:3/plain/local:///a.jpg`);
    const line = await log.line(({ status }) => status === 200);
    expect(line).toEqual({
      level: 30,
      time: expect.any(Number),
      pid: process.pid,
      id: response.headers.get('x-request-id'),
      method: 'GET',
      url: '/***/w:3/plain/local:///a.jpg',
      status: 200,
      bytes: 5,
      ms: expect.any(Number),
      cache: 'hit',
      msg: 'request',
    });
  });

  it.each([
    [200, undefined, 30],
    [304, undefined, 30],
    [404, problem, 40],
    [499, undefined, 30],
    [500, { code: 'internal' }, 50],
    [500, { code: 'internal', cause: new Error('x') }, 50],
    [502, { code: 'origin-misconfigured', cause: new OriginError('misconfigured', 'x') }, 50],
    [502, undefined, 40],
    [503, { code: 'overloaded', cause: new TransformError('overloaded', 'x') }, 40],
    [504, { code: 'origin-timeout', cause: new OriginError('timeout', 'x') }, 40],
    [200, { code: 'body-broken', cause: new OriginError('unavailable', 'x') }, 40],
    [200, { code: 'body-broken', cause: new Error('x') }, 50],
  ])('for %i with %j has level %i', (status, problem, level) => {
    const log = capturedLog('trace');
    new RequestLog(log.logger, '').write({ ...HIT, status, problem });
    expect(log.lines).toMatchObject([{ status, level, ...(problem ? { problem: problem.code } : {}) }]);
  });

  it('is the same from a logger of this package and from any other', () => {
    const ours = capturedLog('info');
    const child = capturedLog('info');
    const target = '/unsafe/plain/http://h/"\u2028"\\x';
    new RequestLog(ours.logger, '').write({ ...HIT, target });
    new RequestLog(child.logger.child({}), '').write({ ...HIT, target });
    const time = expect.any(Number);
    expect({ ...ours.lines[0], time }).toEqual({ ...child.lines[0], time });
  });

  it('is not written below the level of the logger', () => {
    const log = capturedLog('warn');
    const requests = new RequestLog(log.logger, '');
    requests.write(HIT);
    requests.write({ ...HIT, target: '/livez' });
    expect(log.lines).toEqual([]);
  });

  it('follows a level that is changed later', () => {
    const log = capturedLog('warn');
    const requests = new RequestLog(log.logger, '');
    log.logger.level = 'info';
    requests.write(HIT);
    expect(log.lines).toHaveLength(1);
  });

  it('has the reason in one field and no stack, where nothing is wrong with the code', () => {
    const log = capturedLog();
    const cause = new OriginError('unavailable', 'The source is not reachable.', { cause: new Error('no route') });
    new RequestLog(log.logger, '').write({ ...HIT, status: 502, problem: { code: 'origin-unavailable', cause } });
    expect(log.lines).toMatchObject([
      { level: 40, problem: 'origin-unavailable', reason: 'The source is not reachable: no route' },
    ]);
    expect(JSON.stringify(log.lines)).not.toMatch(/stack|request-log\.test/);
  });

  it('has the stack of a defect, and causes of causes', () => {
    const log = capturedLog();
    const cause = new Error('outer', { cause: new TypeError('inner') });
    new RequestLog(log.logger, '').write({ ...HIT, status: 500, problem: { code: 'internal', cause } });
    const stack = expect.stringContaining('request-log.test');
    expect(log.lines).toMatchObject([
      { level: 50, cause: { message: 'outer', stack, cause: { type: 'TypeError', message: 'inner', stack } } },
    ]);
  });

  it('is one readable line if it is made for people', () => {
    let text = '';
    const logger = createLogger({
      level: 'info',
      format: 'pretty',
      destination: {
        write(line) {
          text += line;
        },
      },
    });
    new RequestLog(logger, '').write(HIT);
    expect(text).toMatch(/INFO: GET \/unsafe\/w:3\/plain\/local:\/\/\/a\.jpg 200 hit, 5 bytes in 1\.23 ms\n$/);
    logger.warn('The cache is read-only.');
    expect(text).toMatch(/WARN: The cache is read-only\.\n$/);
  });
});
