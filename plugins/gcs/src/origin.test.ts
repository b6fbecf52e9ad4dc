import { gzipSync } from 'node:zlib';
import { asked, testBucketRules, testDownloads } from '@tintype-test/servers/origin-rules';
import { service } from '@tintype-test/servers/scripted-service';
import { afterAll, describe, expect, test } from 'vitest';
import { benchFor } from '../test/harness.ts';
import { open } from '../test/origins.ts';
import { refuse } from '../test/service.ts';

for (const name of ['fake-gcs-server']) {
  const { bench, missing } = await benchFor(name);
  describe(`an object of ${name} as a source`, () => {
    if (bench === undefined) {
      test('is fetched', ({ skip }) => skip(missing));
      return;
    }
    afterAll(() => bench.stop());
    const bytes = Buffer.alloc(200_000, 'photo');
    const source = `gs://${bench.bucket}/2026/cat.jpg`;
    const here = () => open({ endpoint: bench.server.endpoint });
    const put = async (content: Uint8Array = bytes, more: object = {}) => {
      const file = bench.client.file('2026/cat.jpg');
      await file.save(Buffer.from(content), {
        resumable: false,
        metadata: { contentType: 'image/jpeg', cacheControl: 'max-age=60', ...more },
      });
      const [{ etag, generation }] = await file.getMetadata();
      return { etag: `"${etag}"`, generation: `${generation}` };
    };

    test('carries its type, lifetime and validators', async () => {
      const { etag } = await put();
      const response = await (await here()).fetch(source, asked());
      expect(response.status).toBe(200);
      expect(response.headers).toMatchObject({
        'content-type': 'image/jpeg',
        'content-length': '200000',
        'cache-control': 'max-age=60',
        etag,
        'last-modified': expect.stringMatching(/ GMT$/),
      });
      expect(Buffer.from(await response.body.bytes()).equals(bytes)).toBe(true);
    });

    test('can be asked for in part', async () => {
      await put();
      const origin = await here();
      const part = await origin.fetch(source, asked({ range: 'bytes=5-9' }));
      expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 5-9/200000']);
      expect(Buffer.from(await part.body.bytes()).toString()).toBe('photo');
      expect((await origin.fetch(source, asked({ range: 'bytes=200000-' }))).status).toBe(416);
    });

    test('is not sent again if it has not changed', ({ skip }) =>
      skip('does not apply: fake-gcs-server answers 200 to If-None-Match and If-Match, whatever they say'));

    test('comes as it is stored, with its encoding told', async () => {
      const packed = gzipSync(bytes);
      await put(packed, { contentEncoding: 'gzip' });
      const { headers, body } = await (await here()).fetch(source, asked());
      expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': `${packed.length}` });
      expect(Buffer.from(await body.bytes()).equals(packed)).toBe(true);
    });

    test('can be named in its version', async () => {
      const { generation } = await put();
      const origin = await here();
      const response = await origin.fetch(`${source}?${generation}`, asked());
      await response.body.discard();
      expect(response.status).toBe(200);
      for (const other of [`${BigInt(generation) - 1n}`, 'latest']) {
        expect((await origin.fetch(`${source}?${other}`, asked())).status).toBe(404);
      }
    });

    test('that is not there is 404', async () => {
      const origin = await here();
      expect((await origin.fetch(`${source}.none`, asked())).status).toBe(404);
    });

    testDownloads(async () => {
      await put();
      return { source, origin: await here() };
    });
  });
}

testBucketRules({ scheme: 'gs', open: (lists) => open({ ...lists, endpoint: 'http://127.0.0.1:9' }) });

describe('conditions', () => {
  const state = { etag: '"a"', 'last-modified': 'Sun, 01 Nov 2026 10:00:00 GMT', 'cache-control': 'max-age=60' };

  /** As Google does it. RFC 9110 §13.2.2 */
  const conditional = () =>
    service(({ headers }, response) => {
      if (headers['if-match'] !== undefined && headers['if-match'] !== '"a"') {
        refuse(response, 412, 'PreconditionFailed');
      } else if (headers['if-none-match'] === '"a"') response.writeHead(304, state).end();
      else if (headers.range === undefined) response.writeHead(200, { ...state, 'content-length': 3 }).end('abc');
      else response.writeHead(206, { ...state, 'content-length': 1, 'content-range': 'bytes 1-1/3' }).end('b');
    });

  test('an object that has not changed is not sent again', async () => {
    const { endpoint } = await conditional();
    const origin = await open({ endpoint });
    const same = await origin.fetch('gs://photos/k', asked({ 'if-none-match': '"a"' }));
    expect([same.status, same.headers]).toEqual([304, state]);
    const other = await origin.fetch('gs://photos/k', asked({ 'if-none-match': '"b"' }));
    expect([other.status, Buffer.from(await other.body.bytes()).toString()]).toEqual([200, 'abc']);
  });

  test.each([
    ['"a"', 206],
    ['"b"', 200],
    ['W/"a"', 200],
    ['neither tag nor date', 200],
  ])('a part is only sent of the same object: If-Range %s', async (ifRange, status) => {
    const { endpoint } = await conditional();
    const origin = await open({ endpoint });
    const response = await origin.fetch('gs://photos/k', asked({ range: 'bytes=1-1', 'if-range': ifRange }));
    await response.body.discard();
    expect(response.status).toBe(status);
  });
});

test.each([
  ['NoSuchKey', 404],
  ['NoSuchBucket', 'misconfigured'],
])('404 %s is %s', async (word, expected) => {
  const { endpoint } = await service((_request, response) => refuse(response, 404, word));
  const outcome = await (await open({ endpoint })).fetch('gs://photos/k', asked()).then(
    ({ status }) => status,
    ({ code }) => code,
  );
  expect(outcome).toBe(expected);
});

test('a version is asked for by its generation', async () => {
  const { endpoint, requests } = await service((_request, response) => response.setHeader('etag', '"a"').end('x'));
  const { body } = await (await open({ endpoint })).fetch('gs://photos/a%20b/ü.png?1700', asked());
  await body.discard();
  expect(requests[0]?.url).toBe('/photos/a%2520b/%C3%BC.png?generation=1700');
});

test.each([
  ['AccessDenied', true],
  ['AccountProblem', false],
  ['userRateLimitExceeded', false],
])('check: whether objects can be read although the probe is answered with 403 %s: %s', async (word, ok) => {
  const { endpoint } = await service((_request, response) => refuse(response, 403, word));
  expect((await (await open({ endpoint, allowedBuckets: ['photos'] })).check()).ok).toBe(ok);
});
