import * as sdk from '@aws-sdk/client-s3';
import { s3Access } from '@tintype-test/servers';
import { asked, testBucketRules, testDownloads } from '@tintype-test/servers/origin-rules';
import { service } from '@tintype-test/servers/scripted-service';
import { afterAll, describe, expect, test } from 'vitest';
import { benchFor } from '../test/harness.ts';
import { open } from '../test/origins.ts';

for (const name of ['versitygw', 'swift', 'fauxqs']) {
  const { bench, missing } = await benchFor(name);
  describe(`an object of ${name} as a source`, () => {
    if (bench === undefined) {
      test('is fetched', ({ skip }) => skip(missing));
      return;
    }
    afterAll(() => bench.stop());
    const bytes = Buffer.alloc(200_000, 'photo');
    const source = `s3://${bench.bucket}/2026/cat.jpg`;
    const here = () => open(s3Access(bench.server));
    const put = () =>
      bench.client.send(
        new sdk.PutObjectCommand({
          Bucket: bench.bucket,
          Key: '2026/cat.jpg',
          Body: bytes,
          ContentType: 'image/jpeg',
          CacheControl: 'max-age=60',
        }),
      );

    test('carries its type, lifetime and validators', async () => {
      const { ETag } = await put();
      const response = await (await here()).fetch(source, asked());
      expect(response.status).toBe(200);
      expect(response.headers).toMatchObject({
        'content-type': 'image/jpeg',
        'content-length': '200000',
        'cache-control': 'max-age=60',
        etag: ETag,
        'last-modified': expect.stringMatching(/ GMT$/),
      });
      expect(Buffer.from(await response.body.bytes()).equals(bytes)).toBe(true);
    });

    test('is not sent again if it has not changed', async () => {
      const { ETag = '' } = await put();
      const origin = await here();
      const whole = await origin.fetch(source, asked());
      await whole.body.discard();
      expect((await origin.fetch(source, asked({ 'if-none-match': ETag }))).status).toBe(304);
      const since = { 'if-modified-since': whole.headers['last-modified'] };
      // The others compare it with parts of a second that Last-Modified does not tell.
      if (name === 'swift') expect((await origin.fetch(source, asked(since))).status).toBe(304);
      const changed = await origin.fetch(source, asked({ 'if-none-match': '"other"' }));
      expect(changed.status).toBe(200);
      await changed.body.discard();
    });

    test('can be asked for in part, as long as it is the same', async () => {
      const { ETag = '' } = await put();
      const origin = await here();
      const part = await origin.fetch(source, asked({ range: 'bytes=5-9' }));
      expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 5-9/200000']);
      expect(Buffer.from(await part.body.bytes()).toString()).toBe('photo');
      expect((await origin.fetch(source, asked({ range: 'bytes=200000-' }))).status).toBe(416);
      for (const [ifRange, status] of [
        [ETag, 206],
        ['"other"', 200],
        [`W/${ETag}`, 200],
      ] as const) {
        const response = await origin.fetch(source, asked({ range: 'bytes=5-9', 'if-range': ifRange }));
        await response.body.discard();
        if (name !== 'fauxqs') expect([ifRange, response.status]).toEqual([ifRange, status]);
      }
    });

    test('that is not there is 404, and so is one in a version that is not', async () => {
      await put();
      const origin = await here();
      expect((await origin.fetch(`${source}.none`, asked())).status).toBe(404);
      if (name === 'versitygw')
        expect((await origin.fetch(`${source}?01ARZ3NDEKTSV4RRFFQ69G5FAV`, asked())).status).toBe(404);
    });

    test('in a bucket that is not there is for the operator', async () => {
      const origin = await here();
      await expect(origin.fetch(`s3://${bench.bucket}-none/cat.jpg`, asked())).rejects.toMatchObject({
        name: 'OriginError',
        code: 'misconfigured',
      });
    });

    testDownloads(async () => {
      await put();
      return { source, origin: await here() };
    });
  });
}

testBucketRules({ scheme: 's3', open: (lists) => open({ ...lists, endpoint: 'http://127.0.0.1:9' }) });

test('the region that a redirect names is asked, and remembered', async () => {
  const { endpoint, requests } = await service((request, response) => {
    const there = request.headers.authorization?.includes('/eu-west-3/s3/');
    if (there) response.setHeader('etag', '"a"').end('bytes');
    else
      response
        .writeHead(301, { 'x-amz-bucket-region': 'eu-west-3' })
        .end('<Error><Code>PermanentRedirect</Code></Error>');
  });
  const origin = await open({ endpoint });
  for (let i = 0; i < 2; i++) {
    expect(Buffer.from(await (await origin.fetch('s3://b/k', asked())).body.bytes()).toString()).toBe('bytes');
  }
  expect(requests).toHaveLength(3);
});

test('a version is asked for by its id', async () => {
  const { endpoint, requests } = await service((_request, response) => response.setHeader('etag', '"a"').end('x'));
  const { body } = await (await open({ endpoint })).fetch('s3://b/a%20b/ü.png?3HL4kqtJ', asked());
  await body.discard();
  expect(requests[0]?.url).toBe('/b/a%2520b/%C3%BC.png?versionId=3HL4kqtJ&x-id=GetObject');
});
