import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const program = join(import.meta.dirname, 'server.ts');

async function start(bind: string) {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-demo-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const demo = spawn(process.execPath, ['--conditions=@tintype/source', program], {
    cwd: folder,
    // A slow disk must not make misses of hits, nor end requests.
    env: { ...process.env, TINTYPE_BIND: bind, TINTYPE_CACHE_LOOKUP_TIMEOUT: '60', TINTYPE_TIMEOUT: '60' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void demo.kill('SIGKILL'));
  const ended = once(demo, 'exit');
  return { demo, ended, lines: createInterface({ input: demo.stdout }) };
}

test('it prints three URLs that work, and the page and its parts; what was a miss is a hit the second time', async () => {
  const { demo, ended, lines } = await start('127.0.0.1:0');
  const urls: string[] = [];
  for await (const line of lines) {
    urls.push(...(line.match(/http:\S+/g) ?? []));
    if (line.startsWith('Stop')) break;
  }
  expect(urls).toHaveLength(3);
  const [page = '', ...images] = urls;
  for (const [path, type] of [
    ['', 'text/html'],
    ['page.js', 'text/javascript'],
    ['page.css', 'text/css'],
  ]) {
    const answer = await fetch(page + path);
    expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, `${type}; charset=utf-8`]);
  }
  for (const url of images) {
    const miss = await fetch(url);
    expect([miss.status, miss.headers.get('content-type')?.split('/')[0]]).toEqual([200, 'image']);
    await miss.arrayBuffer();
  }
  const outcomes = await Promise.all(images.map(async (url) => (await fetch(url)).headers.get('cache-status')));
  expect(outcomes.every((outcome) => /hit|collapsed/.test(outcome ?? ''))).toBe(true);
  demo.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('a port in use is a sentence that says what to do', async () => {
  const { createServer } = await import('node:net');
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as import('node:net').AddressInfo;
  const { demo, ended } = await start(`127.0.0.1:${port}`);
  const [message] = await once(demo.stderr.setEncoding('utf8'), 'data');
  expect(message).toContain(`127.0.0.1:${port} is in use; choose another port with TINTYPE_BIND=`);
  expect(await ended).toEqual([2, null]);
});
