import { execFileSync } from 'node:child_process';
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { collect, type HttpFields, OriginError, type OriginResponse } from '@tintype/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { openFilesIn, temporaryFolder } from '../test/harness.ts';
import { imageType } from './image-type.ts';
import { LocalOrigin } from './origin.ts';

const photographs = join(import.meta.dirname, '../../../examples/demo/images');
const LARGE = 5_000_003;

let parent: string;
let root: string;
let origin: LocalOrigin;

beforeEach(async () => {
  parent = await temporaryFolder();
  root = join(parent, 'images');
  await mkdir(join(root, 'sub folder'), { recursive: true });
  await writeFile(join(root, 'a.txt'), 'hello world');
  await writeFile(join(root, 'sub folder', 'ü%41.bin'), 'decoded once');
  await writeFile(join(root, 'large'), Buffer.alloc(LARGE, 7));
  await writeFile(join(parent, 'secret'), 'secret');
  await mkdir(join(parent, 'images-too'));
  await writeFile(join(parent, 'images-too', 'secret'), 'secret');
  origin = new LocalOrigin(root);
  await origin.open();
});

function fetch(source: string, headers: HttpFields = {}, maxBytes = 1e9, signal = new AbortController().signal) {
  return origin.fetch(source, { headers, maxBytes, signal });
}

const text = async (response: OriginResponse) => Buffer.from(await response.body.bytes()).toString();

describe('a file', () => {
  test('is answered with its bytes and validators', async () => {
    await utimes(join(root, 'a.txt'), 1_000_000_000, 1_000_000_000);
    const response = await fetch('local:///a.txt');
    expect(response.status).toBe(200);
    expect(response.headers).toEqual({
      etag: expect.stringMatching(/^"[0-9a-z-]+"$/),
      'last-modified': 'Sun, 09 Sep 2001 01:46:40 GMT',
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      'content-length': '11',
    });
    expect(await text(response)).toBe('hello world');
  });

  test('is found by its percent-decoded name, decoded once', async () => {
    expect(await text(await fetch('local:///sub%20folder/%C3%BC%2541.bin?v=1'))).toBe('decoded once');
    expect((await fetch('local:///sub%20folder/%C3%BCA.bin')).status).toBe(404);
  });

  test('may be a real photograph, whose type is seen in its bytes', async () => {
    const names = (await readdir(photographs)).filter((name) => /\.(jpe?g|png|webp|avif|gif)$/.test(name));
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      await copyFile(join(photographs, name), join(root, 'picture'));
      const response = await fetch('local:///picture');
      const type = `image/${name.split('.').at(-1)?.replace(/^jpg$/, 'jpeg')}`;
      expect([name, response.headers['content-type']]).toEqual([name, type]);
      expect((await readFile(join(photographs, name))).equals(await response.body.bytes())).toBe(true);
    }
  });

  test('may be empty, or large and streamed', async () => {
    await writeFile(join(root, 'empty'), '');
    expect(await text(await fetch('local:///empty'))).toBe('');
    const { body, headers } = await fetch('local:///large');
    expect([body.buffered, headers['content-length']]).toEqual([undefined, `${LARGE}`]);
    expect((await collect(body.stream())).length).toBe(LARGE);
  });

  test('takes back the memory of what it is given back, and of nothing else', async () => {
    const bytes = Buffer.from(Uint32Array.from({ length: LARGE / 4 }, (_, index) => index).buffer);
    await writeFile(join(root, 'numbers'), bytes);
    for (const givesBack of [true, false]) {
      const { body } = await fetch('local:///numbers');
      const stream = body.stream();
      const chunks: Uint8Array[] = [];
      const buffers = new Set<ArrayBufferLike>();
      for await (const chunk of stream) {
        buffers.add(chunk.buffer);
        chunks.push(givesBack ? Buffer.from(chunk) : chunk);
        if (givesBack) stream.recycle?.(chunk);
      }
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      const stillThere = [...buffers].filter(({ byteLength }) => byteLength > 0);
      expect([buffers.size, stillThere.length]).toEqual([chunks.length, givesBack ? 0 : chunks.length]);
    }
  });

  test('gives another ETag when it is replaced by one of the same size and time', async () => {
    const before = await fetch('local:///a.txt');
    const { atime, mtime } = await stat(join(root, 'a.txt'));
    await writeFile(join(root, 'new'), 'HELLO WORLD');
    await utimes(join(root, 'new'), atime, mtime);
    execFileSync('mv', [join(root, 'new'), join(root, 'a.txt')]);
    expect((await fetch('local:///a.txt')).headers.etag).not.toBe(before.headers.etag);
  });
});

describe.runIf(process.platform === 'linux')('a file that its receiver would rather read itself', () => {
  const named = async (source: string, headers: HttpFields = {}, maxBytes = 1e9) =>
    origin.fetch(source, { headers, maxBytes, takesFile: true, signal: new AbortController().signal });

  test.each([
    ['as it was', async () => undefined],
    ['removed meanwhile', () => rm(join(root, 'a.txt'))],
    [
      'replaced meanwhile',
      async () => {
        await writeFile(join(root, 'new'), 'HELLO');
        await rename(join(root, 'new'), join(root, 'a.txt'));
      },
    ],
  ])('is the same to another process, %s', async (_name, change) => {
    const { body, headers } = await named('local:///a.txt');
    await change();
    expect([body.buffered, body.file?.size, headers['content-length']]).toEqual([undefined, 11, '11']);
    expect(execFileSync('cat', [body.file?.path ?? '']).toString()).toBe('hello world');
    expect(Buffer.from(await body.bytes()).toString()).toBe('hello world');
  });

  test('has the fields that its bytes would have', async () => {
    await copyFile(join(photographs, 'rocket.jpg'), join(root, 'rocket'));
    const { headers, body } = await named('local:///rocket');
    expect(headers).toEqual((await fetch('local:///rocket')).headers);
    await body.discard();
  });

  test("comes in one piece that is the receiver's own, unless it is large", async () => {
    const chunks = async (source: string) => {
      const lengths: number[] = [];
      const { body } = await named(source);
      for await (const chunk of body.stream()) lengths.push(chunk.length, chunk.buffer.byteLength);
      return lengths;
    };
    expect(await chunks('local:///a.txt')).toEqual([11, 11]);
    expect((await chunks('local:///large')).length).toBeGreaterThan(2);
  });

  test('is given in bytes where it is a part, and empty where it is; and not at all where it is too large', async () => {
    const part = await named('local:///a.txt', { range: 'bytes=0-4' });
    expect([part.body.file, await text(part)]).toEqual([undefined, 'hello']);
    await writeFile(join(root, 'empty'), '');
    expect(await text(await named('local:///empty'))).toBe('');
    await expect(named('local:///a.txt', {}, 10)).rejects.toMatchObject({ code: 'too-large' });
  });

  test('is closed when it was read or is not wanted', async () => {
    for (let round = 0; round < 20; round += 1) {
      await (await named('local:///a.txt')).body.bytes();
      await (await named('local:///large')).body.discard();
      await named('local:///a.txt', { 'if-none-match': '*' });
      await named('local:///large', {}, 5).catch(() => {});
    }
    expect(await openFilesIn(root)).toEqual([]);
  });
});

/** How it is known where an open file lies. */
const ways = [
  ['by what the system says', undefined],
  ['by comparing', () => undefined],
] as const;

describe('not found', () => {
  test.each([
    'local:///missing',
    'local:///',
    'local://a.txt',
    'local:a.txt',
    'local:///sub%20folder',
    'local:///a.txt/below',
    'local:///../secret',
    'local:///sub%20folder/../a.txt',
    'local:///%2e%2e/secret',
    'local:///..%2fsecret',
    'local:///..%5csecret',
    'local:///../images-too/secret',
    'local:///a.txt%00',
    'local:///%',
    'local:///%ff',
    `local:///${'x'.repeat(300)}`,
    `local:///${'x/'.repeat(3_000)}`,
  ])('%s', async (source) => {
    const response = await fetch(source);
    expect([response.status, response.headers, await text(response)]).toEqual([404, {}, '']);
  });

  test.each(ways)('what lies behind a symbolic link out of the root, as file or folder, %s', async (_way, placeOf) => {
    origin = new LocalOrigin(root, placeOf);
    await symlink(join(parent, 'secret'), join(root, 'link'));
    await symlink(parent, join(root, 'up'));
    await symlink(join(parent, 'images-too'), join(root, 'too'));
    await symlink(join(root, 'loop'), join(root, 'loop'));
    for (const path of ['link', 'up/secret', 'too/secret', 'loop']) {
      expect([path, (await fetch(`local:///${path}`)).status]).toEqual([path, 404]);
    }
    await symlink(join(root, 'a.txt'), join(root, 'inside'));
    expect(await text(await fetch('local:///inside'))).toBe('hello world');
  });

  test.each(ways)('what a link shows that is changed while it is looked at, %s', async (_way, placeOf) => {
    origin = new LocalOrigin(root, placeOf);
    await writeFile(join(root, 'kept'), 'kept');
    const targets = [join(root, 'kept'), join(parent, 'secret')];
    let looking = true;
    const swapping = (async () => {
      for (let round = 0; looking; round += 1) {
        await symlink(targets[round % 2] ?? '', join(root, 'next'));
        await rename(join(root, 'next'), join(root, 'link'));
      }
    })();
    const seen = new Set<string>();
    // Until both were seen: on a busy machine the two may take turns for long.
    for (let round = 0; round < 400 || seen.size < 2; round += 1) seen.add(await text(await fetch('local:///link')));
    looking = false;
    await swapping;
    expect(seen).toEqual(new Set(['', 'kept']));
  });

  test('a pipe or a device, at once', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    await symlink('/dev/zero', join(root, 'zero'));
    expect((await fetch('local:///pipe')).status).toBe(404);
    expect((await fetch('local:///zero')).status).toBe(404);
  });
});

test('a root that is itself a link, and the root of the system, contain their files', async () => {
  await symlink(root, join(parent, 'link'));
  for (const [folder, source] of [
    [join(parent, 'link'), 'local:///a.txt'],
    ['/', `local://${root}/a.txt`],
  ] as const) {
    origin = new LocalOrigin(folder);
    expect(await text(await fetch(source))).toBe('hello world');
  }
});

describe('a conditional request', () => {
  test('is answered 304 if the copy is as good, else with the file', async () => {
    const { headers } = await fetch('local:///a.txt');
    const { etag, 'last-modified': date } = headers;
    const later = new Date(Date.parse(date ?? '') + 1_000).toUTCString();
    const earlier = new Date(Date.parse(date ?? '') - 1_000).toUTCString();
    const status = async (conditions: HttpFields) => (await fetch('local:///a.txt', conditions)).status;
    expect(await status({ 'if-none-match': etag })).toBe(304);
    expect(await status({ 'if-none-match': `"x", W/${etag}` })).toBe(304);
    expect(await status({ 'if-none-match': '*' })).toBe(304);
    expect(await status({ 'if-none-match': '"x"' })).toBe(200);
    expect(await status({ 'if-none-match': '"x"', 'if-modified-since': later })).toBe(200);
    expect(await status({ 'if-modified-since': date })).toBe(304);
    expect(await status({ 'if-modified-since': later })).toBe(304);
    expect(await status({ 'if-modified-since': earlier })).toBe(200);
    expect(await status({ 'if-modified-since': 'yesterday' })).toBe(200);
    const unchanged = await fetch('local:///a.txt', { 'if-none-match': etag });
    expect([unchanged.headers, await text(unchanged)]).toEqual([
      { etag, 'last-modified': date, 'accept-ranges': 'bytes' },
      '',
    ]);
  });
});

describe('a range', () => {
  test.each([
    ['bytes=0-4', 206, 'hello', 'bytes 0-4/11'],
    ['bytes=6-', 206, 'world', 'bytes 6-10/11'],
    ['bytes=-5', 206, 'world', 'bytes 6-10/11'],
    ['bytes=6-99', 206, 'world', 'bytes 6-10/11'],
    ['bytes=11-', 416, '', 'bytes */11'],
    ['bytes=-0', 416, '', 'bytes */11'],
    ['bytes=4-2', 200, 'hello world', undefined],
    ['bytes=0-1,4-5', 200, 'hello world', undefined],
    ['bytes=-', 200, 'hello world', undefined],
    ['lines=1-2', 200, 'hello world', undefined],
  ])('%s is answered %i', async (range, status, expected, contentRange) => {
    const response = await fetch('local:///a.txt', { range });
    expect([response.status, response.headers['content-range']]).toEqual([status, contentRange]);
    expect(await text(response)).toBe(expected);
  });

  test('of a large file is exact', async () => {
    const { body, headers } = await fetch('local:///large', { range: 'bytes=10-4700000' });
    expect([headers['content-length'], (await body.bytes()).length]).toEqual(['4699991', 4_699_991]);
  });

  test('is only given of the state that If-Range names', async () => {
    const { etag, 'last-modified': date } = (await fetch('local:///a.txt')).headers;
    const status = async (condition?: string) =>
      (await fetch('local:///a.txt', { range: 'bytes=0-4', 'if-range': condition })).status;
    expect([await status(etag), await status(date), await status('"other"')]).toEqual([206, 206, 200]);
  });
});

describe('limits', () => {
  test('more bytes than allowed are refused before any is delivered', async () => {
    expect((await fetch('local:///a.txt', {}, 11)).status).toBe(200);
    const refused = fetch('local:///a.txt', {}, 10);
    await expect(refused).rejects.toMatchObject({ name: 'OriginError', code: 'too-large' });
    expect((await fetch('local:///a.txt', { range: 'bytes=0-4' }, 5)).status).toBe(206);
  });

  test('an abort ends the body with its reason', async () => {
    const abort = new AbortController();
    const reason = new Error('nobody wants it');
    const { body } = await fetch('local:///large', {}, 1e9, abort.signal);
    const reading = (async () => {
      for await (const _ of body.stream()) abort.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    await expect(fetch('local:///a.txt', {}, 1e9, abort.signal)).rejects.toBe(reason);
  });

  test('a file that is cut while it is read is a broken answer', async () => {
    const { body } = await fetch('local:///large');
    await truncate(join(root, 'large'), 300_000);
    const error: unknown = await body.bytes().catch((reason: unknown) => reason);
    expect(OriginError.is(error) && error.code).toBe('unavailable');
    expect(String(error)).not.toContain(root);
  });

  test('no file stays open', async () => {
    await symlink(join(parent, 'secret'), join(root, 'link'));
    for (let round = 0; round < 20; round += 1) {
      await (await fetch('local:///large')).body.bytes();
      await (await fetch('local:///large')).body.discard();
      for await (const _ of (await fetch('local:///large')).body.stream()) break;
      await fetch('local:///large', {}, 5).catch(() => {});
      await fetch('local:///large', { 'if-none-match': '*' });
      for (const path of ['link', 'missing', 'a.txt', 'sub%20folder']) await fetch(`local:///${path}`);
    }
    expect(await openFilesIn(root)).toEqual([]);
  });
});

test('check tells whether the folder is there', async () => {
  expect(await origin.check()).toEqual({ ok: true, summary: `files in ${root}` });
  await rm(root, { recursive: true });
  expect(await origin.check()).toMatchObject({ ok: false, problem: expect.stringContaining('does not exist') });
  await writeFile(root, '');
  expect(await origin.check()).toMatchObject({ ok: false, problem: expect.stringContaining('is not a folder') });
  expect((await fetch('local:///a.txt')).status).toBe(404);
});

test.each([
  ['image/jpeg', 'ffd8ffe000104a464946'],
  ['image/png', '89504e470d0a1a0a0000'],
  ['image/gif', '474946383961'],
  ['image/webp', '524946460a00000057454250'],
  ['image/avif', '0000001c6674797061766966'],
  ['image/heic', '00000018667479706865696300'],
  ['image/jxl', 'ff0a00'],
  ['image/jxl', '0000000c4a584c200d0a870a'],
  ['image/tiff', '49492a00'],
  ['image/tiff', '4d4d002a'],
  ['image/bmp', '424d'],
  ['application/octet-stream', '3c737667'],
  ['application/octet-stream', ''],
])('%s begins with %s', (type, hex) => {
  expect(imageType(Buffer.from(hex, 'hex'))).toBe(type);
});
