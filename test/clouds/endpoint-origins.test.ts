import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-s3';
import { type RunningServer, s3Access, serverForTest } from '@tintype-test/servers';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { photograph, serve } from './rig.ts';

vi.setConfig({ testTimeout: 180_000 });

/** A bucket behind an endpoint at `/`, and a folder behind that. */
async function bucketBehind(server: RunningServer) {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3Access(server);
  const client = new sdk.S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const Bucket = `files-${randomUUID()}`;
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const folder = await mkdtemp(join(tmpdir(), 'tintype-endpoint-'));
  onTestFinished(async () => {
    client.destroy();
    await rm(folder, { recursive: true, force: true });
  });
  await writeFile(join(folder, 'local.txt'), 'of the folder');
  const config = { endpoints: [{ path: '/', origins: [`s3://${Bucket}/2026/`, 'local:///'], methods: '*' }] };
  const file = join(folder, 'tintype.config.mjs');
  await writeFile(file, `export default ${JSON.stringify(config)};\n`);
  const { url } = await serve({
    TINTYPE_CONFIG: file,
    TINTYPE_CACHE_USE: 'memory',
    TINTYPE_LOCAL_FILESYSTEM_ROOT: folder,
    TINTYPE_USE_S3: 'true',
    TINTYPE_S3_ENDPOINT: endpoint,
    TINTYPE_S3_REGION: region,
    TINTYPE_S3_ACCESS_KEY_ID: accessKeyId,
    TINTYPE_S3_SECRET_ACCESS_KEY: secretAccessKey,
  });
  const put = (key: string, Body: Uint8Array, CacheControl: string) =>
    client.send(
      new sdk.PutObjectCommand({ Bucket, Key: `2026/${key}`, Body, ContentType: 'image/jpeg', CacheControl }),
    );
  return { url, put };
}

describe.each(['versitygw', 'fauxqs'])('an endpoint before a bucket of %s', async (kind) => {
  const { server, missing } = await serverForTest(kind);
  afterAll(() => server?.stop());

  test('passes on objects, their parts and validators, keeps them as they say, and asks the next origin for what is missing', async ({
    skip,
  }) => {
    if (server === undefined) return skip(missing);
    const { url, put } = await bucketBehind(server);
    const bytes = await photograph();
    await put('kept.jpg', bytes, 'max-age=600');
    await put('asked.jpg', bytes, 'no-cache');

    // A client's own credentials are for nobody behind this proxy, and don't stand in the way of its own.
    const first = await fetch(`${url}/kept.jpg`, { headers: { authorization: 'Bearer client' } });
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    expect(Buffer.from(await first.arrayBuffer()).equals(bytes)).toBe(true);
    await (await fetch(`${url}/kept.jpg`)).arrayBuffer();
    const statusOf = async (path: string): Promise<string> => {
      const response = await fetch(url + path);
      await response.arrayBuffer();
      return response.headers.get('cache-status') ?? '';
    };
    await expect.poll(() => statusOf('/kept.jpg')).toMatch(/^Tintype;hit;ttl=\d+$/);

    const part = await fetch(`${url}/kept.jpg`, { headers: { range: 'bytes=100-199' } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"/);
    expect((await fetch(`${url}/kept.jpg`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await fetch(`${url}/kept.jpg`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);

    await expect.poll(() => statusOf('/asked.jpg')).toMatch(/^Tintype;fwd=stale;fwd-status=304/);
    await put('asked.jpg', bytes.subarray(0, 1_000), 'no-cache');
    expect((await (await fetch(`${url}/asked.jpg`)).arrayBuffer()).byteLength).toBe(1_000);

    expect(await (await fetch(`${url}/local.txt`)).text()).toBe('of the folder');
    expect((await fetch(`${url}/missing.jpg`)).status).toBe(404);
    const removed = await fetch(`${url}/kept.jpg`, { method: 'DELETE' });
    expect([removed.status, removed.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${url}/kept.jpg`)).status).toBe(200);
  });
});
