import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { OriginRequest } from '../contracts/origin.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { conditionFields, type ObjectConditions } from './object-conditions.ts';
import { ObjectOrigin, type ObjectService } from './object-origin.ts';
import { emptyResponse } from './object-response.ts';
import type { ObjectSource } from './object-source.ts';

/** An answer of the service of these tests that is no object. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

const hasStatus = (error: unknown, status: number) => error instanceof Refused && error.status === status;

/** An origin of a service that answers by `get`, and what it was asked. */
function originOf(get: (conditions: ObjectConditions, object: ObjectSource) => number, lists: Partial<Lists> = {}) {
  const asked: string[] = [];
  let connections = 0;
  const service: ObjectService<{ close(): void }> = {
    scheme: 'acme',
    noun: 'bucket',
    where: ' at https://acme.example',
    async connect() {
      connections++;
      return {
        close() {
          connections--;
        },
      };
    },
    async get(_connection, object, conditions) {
      asked.push(`${object.bucket} ${object.key} ${JSON.stringify(conditionFields(conditions))}`);
      const status = get(conditions, object);
      if (status >= 300) throw new Refused(status);
      return emptyResponse(status);
    },
    async probe(_connection, bucket) {
      if (bucket === 'missing') throw new Refused(500);
      if (bucket === 'unlisted') throw new Refused(403);
    },
    isHarmless: (error) => hasStatus(error, 403),
    hasStatus,
    isMissing: (error) => hasStatus(error, 404),
    stateIn: () => ({ etag: '"a"' }),
    failure: (error, { bucket }) => {
      const code = hasStatus(error, 403) ? 'access-denied' : 'unavailable';
      return new StorageError({ code, message: `Acme bucket ${bucket}: ${error}.` });
    },
  };
  const origin = new ObjectOrigin(service, { allowedBuckets: [], deniedBuckets: [], ...lists });
  return { origin, asked, open: () => connections };
}

interface Lists {
  readonly allowedBuckets: readonly string[];
  readonly deniedBuckets: readonly string[];
}

function request(headers: OriginRequest['headers'] = {}, signal = new AbortController().signal): OriginRequest {
  return { headers, maxBytes: 1_000, signal };
}

test('it has one connection between open and close, and none before', async () => {
  const { origin, open } = originOf(() => 200);
  await expect(origin.fetch('acme://photos/k', request())).rejects.toMatchObject({ code: 'unavailable' });
  await origin.open();
  await origin.open();
  expect(open()).toBe(1);
  await origin.close();
  expect(open()).toBe(0);
});

describe('what the service says of an object is an answer', () => {
  test.each([
    [200, 200, {}],
    [304, 304, { etag: '"a"' }],
    [404, 404, {}],
    [416, 416, {}],
  ])('%i', async (said, status, headers) => {
    const { origin } = originOf(() => said);
    await origin.open();
    expect(await origin.fetch('acme://photos/k', request())).toMatchObject({ status, headers });
  });

  test.each([
    [403, 'misconfigured'],
    [500, 'unavailable'],
  ])('or, as %i, a failure whose sentence says nothing of the service', async (said, code) => {
    const { origin } = originOf(() => said);
    await origin.open();
    const failure = expect.objectContaining({ code, message: expect.not.stringContaining('Acme') });
    await expect(origin.fetch('acme://photos/k', request())).rejects.toEqual(failure);
  });
});

describe('a range of an object that is another one by now', () => {
  const headers = { range: 'bytes=0-9', 'if-range': '"old"' };

  test('is answered with the whole', async () => {
    const { origin, asked } = originOf(({ ifMatch }) => (ifMatch === undefined ? 200 : 412));
    await origin.open();
    expect((await origin.fetch('acme://photos/k', request(headers))).status).toBe(200);
    expect(asked).toEqual(['photos k {"range":"bytes=0-9","if-match":"\\"old\\""}', 'photos k {}']);
  });

  test('is 404 if there is none by then', async () => {
    const { origin } = originOf(({ ifMatch }) => (ifMatch === undefined ? 404 : 412));
    await origin.open();
    expect((await origin.fetch('acme://photos/k', request(headers))).status).toBe(404);
  });
});

test('a bucket that sources may not name is never asked, and neither is who has given up', async () => {
  const { origin, asked } = originOf(() => 200, { deniedBuckets: ['secret'] });
  await origin.open();
  await expect(origin.fetch('acme://secret/k', request())).rejects.toMatchObject({ code: 'refused' });
  await expect(origin.fetch('acme://../k', request())).rejects.toMatchObject({ code: 'invalid-source' });
  const reason = new Error('gone');
  await expect(origin.fetch('acme://photos/k', request({}, AbortSignal.abort(reason)))).rejects.toBe(reason);
  expect(asked).toEqual([]);
});

describe('check', () => {
  test('says where it is and which buckets may be sources', async () => {
    const { origin } = originOf(() => 200, { allowedBuckets: ['photos', 'unlisted'], deniedBuckets: ['secret'] });
    await origin.open();
    const summary = 'acme sources at https://acme.example, buckets photos, unlisted except secret';
    expect(await origin.check()).toEqual({ ok: true, summary });
  });

  test('says of which of them nothing can be read, and why', async () => {
    const { origin } = originOf(() => 200, { allowedBuckets: ['photos', 'missing'] });
    await origin.open();
    const problem = 'Acme bucket missing: Error: HTTP 500.';
    expect(await origin.check()).toMatchObject({ ok: false, problem });
  });

  test('says which of them says nothing', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.abort());
    onTestFinished(() => void vi.restoreAllMocks());
    const { origin } = originOf(() => 200, { allowedBuckets: ['missing'] });
    await origin.open();
    const problem = 'The bucket missing did not answer within 10 seconds.';
    expect(await origin.check()).toMatchObject({ ok: false, problem });
  });
});
