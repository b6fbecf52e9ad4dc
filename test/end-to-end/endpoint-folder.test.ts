import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndpointDefinition } from '@tintype/core';
import { expect, test } from 'vitest';
import { EndpointRig, Origin } from './endpoint-rig.ts';
import { temporaryFolder } from './rig.ts';
import { cat, rocket } from './source-rig.ts';

/** A folder with a photograph in it, behind an endpoint at `/files`. */
async function folderBehind(more: Partial<EndpointDefinition> = {}) {
  const root = await temporaryFolder();
  await mkdir(join(root, 'photos'));
  const file = join(root, 'photos', 'cat.png');
  const put = async (bytes: Uint8Array, at: number): Promise<void> => {
    await writeFile(file, bytes);
    await utimes(file, at, at);
  };
  await put(cat, 1_000_000_000);
  const endpoint = { path: '/files', origins: ['local:///photos/'], heuristic: false, ...more };
  const rig = await EndpointRig.start([endpoint], { localFilesystemRoot: root });
  return { root, put, rig };
}

const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

test('a file of the folder is answered with its type and validators, and its parts', async () => {
  const { rig } = await folderBehind();
  await using _rig = rig;
  const whole = await rig.ask('/files/cat.png');
  expect(whole).toMatchObject({
    status: 200,
    body: latin1(cat),
    headers: { 'content-type': 'image/png', 'last-modified': 'Sun, 09 Sep 2001 01:46:40 GMT' },
  });
  const etag = whole.headers.etag ?? '';
  expect(etag).toMatch(/^"/);
  const part = await rig.ask('/files/cat.png', { headers: { range: 'bytes=10-19' } });
  expect(part).toMatchObject({ status: 206, body: latin1(cat.subarray(10, 20)) });
  expect((await rig.ask('/files/cat.png', { headers: { 'if-none-match': etag } })).status).toBe(304);
  const head = await rig.ask('/files/cat.png', { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': String(cat.length), etag } });
});

test('a file that was changed is asked about by what is kept of it, and replaced', async () => {
  const { put, rig } = await folderBehind();
  await using _rig = rig;
  await rig.ask('/files/cat.png');
  await rig.stored(1);
  expect((await rig.ask('/files/cat.png')).headers['cache-status']).toMatch(/^Tintype;fwd=stale;fwd-status=304/);
  await put(rocket, 1_100_000_000);
  expect(await rig.ask('/files/cat.png')).toMatchObject({
    body: latin1(rocket),
    headers: { 'content-type': 'image/jpeg' },
  });
});

test('lifetimes that the operator gives count for files, too', async () => {
  const { put, rig } = await folderBehind({ defaultTtl: 60 });
  await using _rig = rig;
  await rig.ask('/files/cat.png');
  await rig.stored(1);
  await put(rocket, 1_100_000_000);
  expect((await rig.ask('/files/cat.png')).body).toBe(latin1(cat));
  rig.advance(61);
  expect((await rig.ask('/files/cat.png')).body).toBe(latin1(rocket));
});

test('nothing outside of the folder is answered', async () => {
  const { root, rig } = await folderBehind();
  await using _rig = rig;
  await writeFile(join(root, 'secret.png'), cat);
  await symlink('/etc/hostname', join(root, 'photos', 'link.png'));
  for (const path of [
    '/files/../secret.png',
    '/files/%2e%2e/secret.png',
    '/files/..%2fsecret.png',
    '/files/link.png',
  ]) {
    const { status, body } = await rig.ask(path);
    expect([path, status >= 400 && status < 500, body.includes('PNG')]).toEqual([path, true, false]);
  }
});

test('what the folder has not the next origin is asked for; it takes no other methods than GET and HEAD', async () => {
  await using next = await Origin.start((request, response) => response.end(`${request.method} ${request.url}`));
  const origins = ['local:///photos/', `${next.base}more/`];
  const { rig } = await folderBehind({ origins, methods: '*' });
  await using _rig = rig;
  expect((await rig.ask('/files/cat.png')).body).toBe(latin1(cat));
  expect((await rig.ask('/files/dog.png?size=2')).body).toBe('GET /more/dog.png?size=2');
  expect(await rig.ask('/files/cat.png', { method: 'DELETE' })).toMatchObject({
    status: 405,
    headers: { allow: 'GET, HEAD' },
  });
  expect((await rig.ask('/files/cat.png')).body).toBe(latin1(cat));
});
