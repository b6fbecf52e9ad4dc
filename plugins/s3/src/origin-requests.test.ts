import { asked } from '@tintype-test/servers/origin-rules';
import { service } from '@tintype-test/servers/scripted-service';
import { expect, test } from 'vitest';
import { open } from '../test/origins.ts';

test.each([
  's3://.../secret/cat.jpg',
  's3://%2e%2e/secret/cat.jpg',
  's3://photos%2f..%2fsecret/cat.jpg',
  's3://arn:aws:s3:us-east-1:123456789012:accesspoint:secret/cat.jpg',
])('%s leads nowhere', async (source) => {
  const { endpoint, requests } = await service((_request, response) => response.setHeader('etag', '"a"').end('x'));
  const origin = await open({ endpoint, deniedBuckets: ['secret'] });
  await expect(origin.fetch(source, asked())).rejects.toMatchObject({ code: 'invalid-source' });
  expect(requests).toEqual([]);
});

test('old buckets and those of other vendors have capitals and underscores', async () => {
  const { endpoint, requests } = await service((_request, response) => response.setHeader('etag', '"a"').end('x'));
  const { body } = await (await open({ endpoint })).fetch('s3://My_Photos.old/k', asked());
  await body.discard();
  expect(requests[0]?.url).toBe('/My_Photos.old/k?x-id=GetObject');
});

test('beside an If-Range that is neither tag nor date no range is asked for', async () => {
  const { endpoint, requests } = await service((_request, response) => {
    response.setHeader('etag', '"a"').end('x');
  });
  const origin = await open({ endpoint });
  const { body } = await origin.fetch('s3://photos/k', asked({ range: 'bytes=5-9', 'if-range': 'neither' }));
  await body.discard();
  const { range, 'x-ms-range': msRange } = requests.at(-1)?.headers ?? {};
  expect([range, msRange]).toEqual([undefined, undefined]);
});
