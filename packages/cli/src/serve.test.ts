import { readdir, readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test, vi } from 'vitest';
import { Folder, RunningCommand, tintype } from './tintype.fixture.ts';

// Every test starts processes, several tests at a time.
vi.setConfig({ testTimeout: 180_000 });

const IMAGES = fileURLToPath(new URL('../../../examples/demo/images/', import.meta.url));
const ANYWHERE = ['--bind', '127.0.0.1:0', '--local-filesystem-root', IMAGES];
const THUMBNAIL = '/unsafe/rs:fit:60/plain/local:///rocket.jpg';

/** None of what these tests are about is a limit of time: a slow disk must not get in their way. */
const PATIENT = {
  TINTYPE_DRAIN_DELAY: '0',
  TINTYPE_TIMEOUT: '120',
  TINTYPE_DOWNLOAD_TIMEOUT: '120',
  TINTYPE_CACHE_LOOKUP_TIMEOUT: '120',
  TINTYPE_GRACEFUL_STOP_TIMEOUT: '120',
};

interface Line {
  readonly level: number;
  readonly msg: string;
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function started(args: readonly string[], env: Record<string, string> = {}) {
  const command = new RunningCommand(['serve', ...ANYWHERE, ...args], { env: { ...PATIENT, ...env } });
  const [, url = ''] = await command.said(/Serving on (http:[^;]+);/);
  return { command, url };
}

describe.concurrent('serve', () => {
  test('begins with one line: address, cache, limits, what is unsafe; warnings follow', async ({ expect }) => {
    await using cache = await Folder.with();
    const { command } = await started(['--cache-use', 'fs', '--cache-fs-root', cache.path], { TINTYPE_CACH_USE: 'x' });
    await command.said(/TINTYPE_CACH_USE/);
    command.signal('SIGTERM');
    const { stdout } = await command.ended;
    const [first, second] = linesOf(stdout);
    expect(first?.level).toBe(40);
    expect(first?.msg).toContain(cache.path);
    expect(first?.msg).toMatch(/sources to 64 MiB and 50 MP, results to 16384 px, \d+ transforms at a time/);
    expect(first?.msg).toMatch(/UNSAFE: any URL is answered/);
    expect(second?.msg).toMatch(/^TINTYPE_CACH_USE is not a known variable/);
  });

  test('answers, logs one line for each request, and keeps results over a restart', async ({ expect }) => {
    await using cache = await Folder.with();
    const outcomes: (string | null)[] = [];
    for (let run = 0; run < 2; run++) {
      const { command, url } = await started(['--cache-use', 'fs', '--cache-fs-root', cache.path]);
      const response = await fetch(url + THUMBNAIL);
      expect(response.status).toBe(200);
      await response.arrayBuffer();
      outcomes.push(response.headers.get('cache-status'));
      await command.said(/"url":"[^"]*rocket\.jpg"/);
      command.signal('SIGTERM');
      expect((await command.ended).code).toBe(0);
    }
    expect(outcomes).toEqual([expect.stringContaining('fwd=uri-miss'), expect.stringContaining('hit')]);
    expect((await readdir(cache.path)).length).toBeGreaterThan(0);
  });

  test.for(['SIGTERM', 'SIGINT'] as const)(
    '%s answers what is in flight, then ends with 0',
    async (signal, { expect }) => {
      const source = createServer((_, response) => {
        // The image comes only when the proxy has been told to stop.
        command?.signal(signal);
        void command?.said(/Stopping/).then(async () => response.end(await readFile(join(IMAGES, 'rocket.jpg'))));
      });
      await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', resolve));
      let command: RunningCommand | undefined;
      try {
        const running = await started(['--allow-loopback-source-addresses']);
        command = running.command;
        const { port } = source.address() as AddressInfo;
        const response = await fetch(`${running.url}/unsafe/rs:fit:60/plain/http://127.0.0.1:${port}/rocket.jpg`);
        expect(response.status).toBe(200);
        expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);
        const { code, stdout, stderr } = await running.command.ended;
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(linesOf(stdout).at(-1)?.msg).toBe('Stopped.');
      } finally {
        source.close();
      }
    },
  );

  test('listens on a socket file', async ({ expect }) => {
    await using folder = await Folder.with();
    const socket = join(folder.path, 'tintype.sock');
    const command = new RunningCommand(['serve', '--bind', socket, '--local-filesystem-root', IMAGES], {
      env: PATIENT,
    });
    await command.said(/Serving on unix:/);
    const status = await new Promise((resolve, reject) => {
      request({ socketPath: socket, path: THUMBNAIL }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      })
        .once('error', reject)
        .end();
    });
    expect(status).toBe(200);
    command.signal('SIGTERM');
    expect((await command.ended).code).toBe(0);
  });

  test('a cache that cannot be used is named in the first line, and images are served all the same', async ({
    expect,
  }) => {
    await using folder = await Folder.with({ file: 'no folder' });
    const { command, url } = await started(['--cache-use', 'fs', '--cache-fs-root', join(folder.path, 'file/cache')]);
    expect((await fetch(url + THUMBNAIL)).status).toBe(200);
    command.signal('SIGTERM');
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(linesOf(stdout).find(({ msg }) => msg.startsWith('Serving'))?.msg).toContain('NOT USABLE: ');
  });

  test('a disk that is smaller than the cap is warned of after the first line, and by a check', async ({ expect }) => {
    await using folder = await Folder.with();
    const cache = ['--cache-use', 'fs', '--cache-fs-root', folder.path, '--cache-fs-max-bytes', '4000000GiB'];
    const { command } = await started(cache);
    await command.said(/its disk has room for /);
    command.signal('SIGTERM');
    const { stdout } = await command.ended;
    const warning = linesOf(stdout).find(({ msg }) => msg.startsWith('Cache folder '));
    expect(warning).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/ that the cache may take, .+ set TINTYPE_CACHE_FS_MAX_BYTES /),
    });
    const checked = await tintype(['config', '--connect', ...cache]);
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(/^The cache can be used: folder .+\. Warning: Cache folder .+ has room for /m);
  });

  test('an address in use is one sentence and exit code 2', async ({ expect }) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const { code, stdout, stderr } = await tintype(['serve'], { env: { PORT: String(port) } });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^.*127\\.0\\.0\\.1:${port}.*TINTYPE_BIND.*\\n$`));
    } finally {
      other.close();
    }
  });

  test('refuses to be open to others without a key, in one sentence', async ({ expect }) => {
    const { code, stdout, stderr } = await tintype(['serve', '--bind', '0.0.0.0:0']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^--bind is 0\.0\.0\.0:0, which other machines can reach, and no key is set: .+\n$/);
  });

  test('with TINTYPE_ALLOW_UNSIGNED=true it is open to others', async ({ expect }) => {
    const command = new RunningCommand(['serve', '--bind', '0.0.0.0:0'], {
      env: { ...PATIENT, TINTYPE_ALLOW_UNSIGNED: 'true' },
    });
    await command.said(/Serving on http:\/\/0\.0\.0\.0:\d+/);
    command.signal('SIGTERM');
    expect((await command.ended).code).toBe(0);
  });
});
