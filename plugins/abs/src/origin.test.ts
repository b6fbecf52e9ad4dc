import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { asked, testBucketRules, testDownloads } from '@tintype-test/servers/origin-rules';
import { service } from '@tintype-test/servers/scripted-service';
import { afterAll, describe, expect, test } from 'vitest';
import { benchFor, WRONG_KEY } from '../test/harness.ts';
import { open } from '../test/origins.ts';
import type { AbsOriginOptions } from './options.ts';

for (const name of ['azurite', 'azurite-disk']) {
  const { bench, missing } = await benchFor(name);
  describe(`a blob of ${name} as a source`, () => {
    if (bench === undefined) {
      test('is fetched', ({ skip }) => skip(missing));
      return;
    }
    afterAll(() => bench.stop());
    const bytes = Buffer.alloc(200_000, 'photo');
    const source = `abs://${bench.bucket}/2026/cat.jpg`;
    const here = (more: Partial<AbsOriginOptions> = {}) => open({ ...bench.access, ...more });
    const put = () =>
      bench.client.getBlockBlobClient('2026/cat.jpg').upload(bytes, bytes.length, {
        blobHTTPHeaders: { blobContentType: 'image/jpeg', blobCacheControl: 'max-age=60' },
      });

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

    test('is found by each way to get in', async () => {
      await put();
      const { endpoint, name: account, key } = bench.access;
      const credential = new StorageSharedKeyCredential(account, key);
      const signature = generateBlobSASQueryParameters(
        {
          containerName: bench.bucket,
          permissions: ContainerSASPermissions.parse('r'),
          expiresOn: new Date(Date.now() + 3_600_000),
        },
        credential,
      ).toString();
      const none = { name: undefined, key: undefined, endpoint: undefined };
      for (const way of [
        { sasToken: signature, key: undefined },
        { sasToken: `?${signature}`, key: undefined, name: undefined },
        {
          ...none,
          connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint}`,
        },
        { ...none, connectionString: `BlobEndpoint=${endpoint};SharedAccessSignature=${signature}` },
      ]) {
        const { status, body } = await (await here(way)).fetch(source, asked());
        await body.discard();
        expect([way, status]).toEqual([way, 200]);
      }
    });

    test('is not sent again if it has not changed', async () => {
      const { etag = '' } = await put();
      const origin = await here();
      const whole = await origin.fetch(source, asked());
      await whole.body.discard();
      const same = await origin.fetch(source, asked({ 'if-none-match': etag }));
      expect(same.status).toBe(304);
      const since = { 'if-modified-since': whole.headers['last-modified'] };
      expect((await origin.fetch(source, asked(since))).status).toBe(304);
      const changed = await origin.fetch(source, asked({ 'if-none-match': '"other"' }));
      expect(changed.status).toBe(200);
      await changed.body.discard();
    });

    test('can be asked for in part, as long as it is the same', async () => {
      const { etag = '' } = await put();
      const origin = await here();
      const part = await origin.fetch(source, asked({ range: 'bytes=5-9' }));
      expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 5-9/200000']);
      expect(Buffer.from(await part.body.bytes()).toString()).toBe('photo');
      expect((await origin.fetch(source, asked({ range: 'bytes=200001-' }))).status).toBe(416);
      const early = new Date(Date.now() - 60_000).toUTCString();
      for (const [ifRange, status] of [
        [etag, 206],
        ['"other"', 200],
        [`W/${etag}`, 200],
        [early, 200],
      ] as const) {
        const response = await origin.fetch(source, asked({ range: 'bytes=5-9', 'if-range': ifRange }));
        await response.body.discard();
        expect([ifRange, response.status]).toEqual([ifRange, status]);
      }
    });

    test('is sent as a whole where a part is asked for in a way that Azure does not know', async () => {
      await put();
      const origin = await here();
      for (const range of ['bytes=-5', 'bytes=0-1,4-5', 'bytes=9-5', 'lines=1-2']) {
        const { status, body } = await origin.fetch(source, asked({ range }));
        await body.discard();
        expect([range, status]).toEqual([range, 200]);
      }
    });

    test('that is not there is 404', async () => {
      expect((await (await here()).fetch(`${source}.none`, asked())).status).toBe(404);
    });

    test('in a container that is not there, or behind a wrong key, is for the operator', async () => {
      for (const [way, container] of [
        [{}, `${bench.bucket}-none`],
        [{ key: WRONG_KEY }, bench.bucket],
      ] as const) {
        const origin = await here({ ...way, allowedBuckets: [container] });
        await expect(origin.fetch(`abs://${container}/cat.jpg`, asked())).rejects.toMatchObject({
          name: 'OriginError',
          code: 'misconfigured',
          message: 'The server cannot read this source.',
        });
        expect(await origin.check()).toMatchObject({ ok: false, problem: expect.stringContaining(container) });
      }
      expect(await (await here({ allowedBuckets: [bench.bucket] })).check()).toMatchObject({ ok: true });
    });

    testDownloads(async () => {
      await put();
      return { source, origin: await here() };
    });
  });
}

testBucketRules({ scheme: 'abs', open: (lists) => open({ ...lists, endpoint: 'http://127.0.0.1:9/account' }) });

test('a blob is asked for by the text that names it, whatever it looks like', async () => {
  const { endpoint, requests } = await service((_request, response) => response.setHeader('etag', '"a"').end('x'));
  const origin = await open({ endpoint: `${endpoint}/account` });
  for (const key of ['a%20b/ü.png', '%2e%2e/x', 'a#b', '$web', "(')!*~"]) {
    const { body } = await origin.fetch(`abs://photos/${key}`, asked());
    await body.discard();
    const { pathname } = new URL(requests.at(-1)?.url ?? '', endpoint);
    expect(decodeURIComponent(pathname)).toBe(`/account/photos/${key}`);
  }
});

test('a version is asked for by its id, and one that cannot be is 404', async () => {
  const { endpoint, requests } = await service((request, response) => {
    if (request.url?.includes('wrong')) {
      response.writeHead(400, { 'x-ms-error-code': 'InvalidQueryParameterValue' }).end();
    } else response.setHeader('etag', '"a"').end('x');
  });
  const origin = await open({ endpoint });
  const { body } = await origin.fetch('abs://photos/cat.jpg?2026-11-22T05:10:31.0000000Z', asked());
  await body.discard();
  const { searchParams } = new URL(requests[0]?.url ?? '', endpoint);
  expect(searchParams.get('versionid')).toBe('2026-11-22T05:10:31.0000000Z');
  expect((await origin.fetch('abs://photos/cat.jpg?wrong', asked())).status).toBe(404);
});

test('what has not changed repeats the fields that a 304 repeats', async () => {
  const fields = { etag: '"a"', 'cache-control': 'max-age=60', 'last-modified': 'Sun, 22 Nov 2026 05:10:31 GMT' };
  const { endpoint } = await service((_request, response) => response.writeHead(304, fields).end());
  const { status, headers } = await (await open({ endpoint })).fetch(
    'abs://photos/k',
    asked({ 'if-none-match': '"a"' }),
  );
  expect([status, headers]).toEqual([304, fields]);
});

test('beside an If-Range that is neither tag nor date no range is asked for', async () => {
  const { endpoint, requests } = await service((_request, response) => {
    response.setHeader('etag', '"a"').end('x');
  });
  const origin = await open({ endpoint });
  const { body } = await origin.fetch('abs://photos/k', asked({ range: 'bytes=5-9', 'if-range': 'neither' }));
  await body.discard();
  const { range, 'x-ms-range': msRange } = requests.at(-1)?.headers ?? {};
  expect([range, msRange]).toEqual([undefined, undefined]);
});
