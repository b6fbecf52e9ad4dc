import { asked, testBucketRules, testDownloads } from '@tintype-test/servers/origin-rules';
import { service } from '@tintype-test/servers/scripted-service';
import { afterAll, describe, expect, test } from 'vitest';
import { accessTo, benchFor } from '../test/harness.ts';
import { open } from '../test/origins.ts';
import { logsIn } from '../test/service.ts';

for (const name of ['swift', 'swift-keystone']) {
  const { bench, missing } = await benchFor(name);
  describe(`an object of ${name} as a source`, () => {
    if (bench === undefined) {
      test('is fetched', ({ skip }) => skip(missing));
      return;
    }
    afterAll(() => bench.stop());
    const bytes = Buffer.alloc(200_000, 'photo');
    const source = `swift://${bench.bucket}/2026/cat.jpg`;
    const here = () => open(accessTo(bench.server));
    /** @returns its ETag, with quotes. */
    const put = async (key = '2026/cat.jpg') => {
      const { headers } = await bench.send({
        method: 'PUT',
        key,
        body: bytes,
        headers: { 'content-type': 'image/jpeg', 'cache-control': 'max-age=60' },
        expect: [201],
      });
      return `"${headers.etag}"`;
    };

    test('carries its type, lifetime and validators', async () => {
      const etag = await put();
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

    test('is not sent again if it has not changed', async () => {
      const etag = await put();
      const origin = await here();
      const whole = await origin.fetch(source, asked());
      await whole.body.discard();
      const same = await origin.fetch(source, asked({ 'if-none-match': etag }));
      expect([same.status, same.headers.etag]).toEqual([304, etag]);
      const since = { 'if-modified-since': whole.headers['last-modified'] };
      expect((await origin.fetch(source, asked(since))).status).toBe(304);
      const changed = await origin.fetch(source, asked({ 'if-none-match': '"other"' }));
      expect(changed.status).toBe(200);
      await changed.body.discard();
    });

    test('can be asked for in part, as long as it is the same', async () => {
      const etag = await put();
      const origin = await here();
      const part = await origin.fetch(source, asked({ range: 'bytes=5-9' }));
      expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 5-9/200000']);
      expect(Buffer.from(await part.body.bytes()).toString()).toBe('photo');
      expect((await origin.fetch(source, asked({ range: 'bytes=200000-' }))).status).toBe(416);
      for (const [ifRange, status] of [
        [etag, 206],
        ['"other"', 200],
        [`W/${etag}`, 200],
        [part.headers['last-modified'] ?? '', 206],
        ['Sat, 01 Jan 2000 00:00:00 GMT', 200],
      ] as const) {
        const response = await origin.fetch(source, asked({ range: 'bytes=5-9', 'if-range': ifRange }));
        await response.body.discard();
        expect([ifRange, response.status]).toEqual([ifRange, status]);
      }
    });

    test('whose name has characters of every kind is found by it', async () => {
      const key = "2026/a%20b c+d&e='ü'#1.jpg";
      await put(key);
      const response = await (await here()).fetch(`swift://${bench.bucket}/${key}`, asked());
      await response.body.discard();
      expect(response.status).toBe(200);
    });

    test('that is not there is 404, and so is one in a version or a container that is not', async () => {
      await put();
      const origin = await here();
      for (const nowhere of [`${source}.none`, `${source}?1795323475.74697`, `swift://${bench.bucket}-none/cat.jpg`]) {
        expect((await origin.fetch(nowhere, asked())).status).toBe(404);
      }
    });

    test('with a wrong password it is for the operator', async () => {
      const origin = await open({ ...accessTo(bench.server), apiKey: 'wrong' });
      await expect(origin.fetch(source, asked())).rejects.toMatchObject({ name: 'OriginError', code: 'misconfigured' });
    });

    test('a container that sources may name and that is not there is told by check', async () => {
      const origin = await open({ ...accessTo(bench.server), allowedBuckets: [bench.bucket, 'none'] });
      expect(await origin.check()).toMatchObject({
        ok: false,
        problem: expect.stringContaining('none: there is no such'),
      });
      const well = await open({ ...accessTo(bench.server), allowedBuckets: [bench.bucket] });
      expect(await well.check()).toMatchObject({ ok: true });
    });

    testDownloads(async () => {
      await put();
      return { source, origin: await here() };
    });
  });
}

testBucketRules({ scheme: 'swift', open: open });

test('a version is asked for by its id, and delivered only if it is that one', async () => {
  const { endpoint, requests } = await service((request, response) => {
    if (logsIn(request, response)) return;
    response.writeHead(200, { etag: 'a', 'x-object-version-id': '1795323475.74697' }).end('x');
  });
  const origin = await open({ authUrl: `${endpoint}/auth/v1.0` });
  const found = await origin.fetch('swift://b/a%20b/ü.png?1795323475.74697', asked());
  await found.body.discard();
  expect([found.status, requests.at(-1)?.url]).toEqual([
    200,
    '/v1/AUTH_test/b/a%2520b/%C3%BC.png?version-id=1795323475.74697',
  ]);
  expect((await origin.fetch('swift://b/cat.png?1795323475.00000', asked())).status).toBe(404);
});
