import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTransformer, NO_OPERATIONS, type TransformRequest } from '@tintype/core';
import sharp from '@tintype/sharp';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type PoolOptions, TransformPool } from './pool.ts';
import { stubbornPool } from './stubborn-pool.fixture.ts';

const photo = await readFile(fileURLToPath(new URL('../../../examples/demo/images/coffee.png', import.meta.url)));
const SHARP = import.meta.resolve('@tintype/sharp');
const sharpOptions = {
  quality: 80,
  formatQuality: ['webp=79'],
  jpegProgressive: false,
  avifSpeed: 8,
  webpEffort: 4,
};

function request(overrides: Partial<TransformRequest> = {}): TransformRequest {
  return {
    input: photo,
    operations: { ...NO_OPERATIONS, resize: { ...NO_OPERATIONS.resize, width: 60 } },
    output: { format: 'webp', quality: 0 },
    limits: { maxSourcePixels: 1e7, maxFrames: 10, maxResultDimension: 1_000 },
    signal: new AbortController().signal,
    ...overrides,
  };
}

async function sharpPool(priority = 0) {
  const here = await createTransformer({ plugins: [sharp], id: 'sharp', options: sharpOptions });
  const setup = { modules: [SHARP], id: 'sharp', options: sharpOptions };
  const pool = new TransformPool(here, {
    setup,
    processes: 1,
    threads: 2,
    priority,
    killAfterMs: 500,
    onCrash: () => undefined,
  });
  onTestFinished(() => pool.close());
  await pool.open();
  return { pool, here };
}

async function openedPool(options: Partial<PoolOptions> = {}) {
  const crashed = Promise.withResolvers<string>();
  const twice = Promise.withResolvers<string>();
  let crashes = 0;
  const onCrash = (reason: string): void => {
    crashes += 1;
    (crashes === 1 ? crashed : twice).resolve(reason);
  };
  const pool = stubbornPool({ onCrash, ...options });
  onTestFinished(() => pool.close());
  await pool.open();
  return { pool, crashed: crashed.promise, crashedTwice: twice.promise };
}
const ask = (what: string, signal = new AbortController().signal) => request({ input: Buffer.from(what), signal });

async function alive(pool: TransformPool): Promise<string> {
  for (;;) {
    try {
      return Buffer.from((await pool.transform(ask('echo'))).body).toString();
    } catch (error) {
      // While none is ready it is said that there is no room, and nothing else.
      expect(error).toMatchObject({ code: 'overloaded' });
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('with the real transformer', () => {
  test('a child gives the same bytes as this process would, and runs at low priority', async () => {
    const { pool, here } = await sharpPool(1);
    await here.open();
    const there = await pool.transform(request());
    expect(there).toMatchObject({ contentType: 'image/webp', width: 60, height: 40 });
    expect(Buffer.from(there.body).equals(Buffer.from((await here.transform(request())).body))).toBe(true);
    const { getPriority } = await import('node:os');
    expect(getPriority(pool.pids[0])).toBeGreaterThan(getPriority());
  });

  test.runIf(process.platform === 'linux')(
    'threads of a child have a heap of glibc each, and two at least, unless the operator says else',
    async () => {
      const heapsOf = async (threads: number) => {
        const pool = stubbornPool({ threads });
        onTestFinished(() => pool.close());
        await pool.open();
        const environment = await readFile(`/proc/${pool.pids[0]}/environ`, 'utf8');
        return environment.split('\0').filter((setting) => setting.startsWith('MALLOC_ARENA_MAX'));
      };
      vi.stubEnv('MALLOC_ARENA_MAX', undefined);
      expect(await heapsOf(1)).toEqual(['MALLOC_ARENA_MAX=2']);
      expect(await heapsOf(4)).toEqual(['MALLOC_ARENA_MAX=4']);
      vi.stubEnv('MALLOC_ARENA_MAX', '7');
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      expect(await heapsOf(4)).toEqual(['MALLOC_ARENA_MAX=7']);
    },
  );

  test('errors keep their code and sentence on the way', async () => {
    const { pool } = await sharpPool();
    await expect(pool.transform(request({ input: Buffer.from('<html>') }))).rejects.toMatchObject({
      name: 'TransformError',
      code: 'not-an-image',
    });
    const limits = { maxSourcePixels: 10, maxFrames: 1, maxResultDimension: 10 };
    await expect(pool.transform(request({ limits }))).rejects.toMatchObject({ code: 'too-many-pixels' });
  });
});

describe('a child that', () => {
  test('dies takes only its own transforms along, and is replaced', async () => {
    const { pool, crashed } = await openedPool();
    const [pid] = pool.pids;
    const innocent = pool.transform(ask('wait'));
    const guilty = pool.transform(ask('die'));
    await expect(guilty).rejects.toMatchObject({ code: 'crashed' });
    await expect(innocent).rejects.toMatchObject({ code: 'crashed' });
    expect(await crashed).toBe('exited with code 9');
    expect(await alive(pool)).toBe('echo');
    expect(pool.pids).not.toContain(pid);
  });

  test('hangs after an abort is killed, and replaced', async () => {
    const { pool, crashed } = await openedPool({ killAfterMs: 50 });
    const client = new AbortController();
    const hanging = pool.transform(ask('spin', client.signal));
    client.abort(new Error('too slow'));
    await expect(hanging).rejects.toMatchObject({ code: 'crashed' });
    expect(await crashed).toBe('was killed: a transform did not end');
    expect(await alive(pool)).toBe('echo');
  });

  test('heeds an abort lives on', async () => {
    const { pool } = await openedPool();
    const [pid] = pool.pids;
    const client = new AbortController();
    const waiting = pool.transform(ask('wait', client.signal));
    client.abort(new Error('too slow'));
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
    expect(await alive(pool)).toBe('echo');
    expect(pool.pids).toEqual([pid]);
  });

  test('cannot make the transformer fails the opening with its reason', async () => {
    const open = (id: string, revision: string) => stubbornPool({ id, revision }).open();
    await expect(open('nobody', 'x')).rejects.toThrow('No plugin here brings the transformer nobody.');
    await expect(open('stubborn', 'stubborn-0')).rejects.toThrow('is stubborn-1, this one is stubborn-0');
  });
});

describe.runIf(process.platform === 'linux')('a source in a file', () => {
  async function fileOf(bytes: Uint8Array | string) {
    const folder = await mkdtemp(join(tmpdir(), 'tintype-workers-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'source'), bytes);
    const handle = await open(join(folder, 'source'));
    onTestFinished(() => handle.close());
    // Nobody finds it by its name any more.
    await rm(join(folder, 'source'));
    return { path: `/proc/${process.pid}/fd/${handle.fd}`, size: bytes.length };
  }
  const work = (overrides: Partial<TransformRequest> = {}) => {
    const { input: _, ...rest } = request(overrides);
    return rest;
  };

  test('is read by the child, and gives the bytes that it gives when it is sent', async () => {
    const { pool } = await sharpPool();
    const there = await pool.transformFile(await fileOf(photo), work());
    expect(there && Buffer.from(there.body).equals((await pool.transform(request())).body)).toBe(true);
  });

  test('that the child cannot open is not asked for again', async () => {
    const { pool } = await openedPool();
    expect(await pool.transformFile({ path: '/nowhere', size: 4 }, work())).toBeUndefined();
    expect(await pool.transformFile(await fileOf('echo'), work())).toBeUndefined();
    expect(Buffer.from((await pool.transform(ask('echo'))).body).toString()).toBe('echo');
  });

  test('that was cut short is left to who can tell what is wrong; the next is read', async () => {
    const { pool } = await openedPool();
    expect(await pool.transformFile({ ...(await fileOf('echo')), size: 5 }, work())).toBeUndefined();
    const next = await pool.transformFile(await fileOf('echo'), work());
    expect(next && Buffer.from(next.body).toString()).toBe('echo');
  });

  test('is not read beyond its size', async () => {
    const { pool } = await openedPool();
    const made = await pool.transformFile({ ...(await fileOf('echo and more')), size: 4 }, work());
    expect(made && Buffer.from(made.body).toString()).toBe('echo');
  });

  test('that hangs fails alone when it is given up: what else the child makes goes on', async () => {
    // Its child ends only by force: it waits for the pipe.
    const { pool } = await openedPool({ killAfterMs: 4_000 });
    const [pid] = pool.pids;
    const folder = await mkdtemp(join(tmpdir(), 'tintype-workers-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const others = new AbortController();
    const other = pool.transform(ask('wait', others.signal));
    const client = new AbortController();
    // Nobody writes into it.
    const hanging = pool.transformFile({ path, size: 4 }, work({ signal: client.signal }));
    client.abort(new Error('too slow'));
    await expect(hanging).rejects.toMatchObject({ code: 'timeout' });
    expect(pool.pids).toEqual([pid]);
    others.abort(new Error('enough'));
    await expect(other).rejects.toMatchObject({ code: 'timeout' });
  });

  test('fails with its child', async () => {
    const { pool } = await openedPool();
    await expect(pool.transformFile(await fileOf('die'), work())).rejects.toMatchObject({ code: 'crashed' });
  });
});

test('what comes while the only child is being replaced waits for the next one, and only what was in it fails', async () => {
  const { pool, crashed } = await openedPool();
  const lost = expect(pool.transform(ask('die'))).rejects.toMatchObject({ code: 'crashed' });
  await crashed;
  expect(pool.pids).toEqual([]);
  const made = await Promise.all([pool.transform(ask('echo')), pool.transform(ask('echo'))]);
  expect(made.map(({ body }) => Buffer.from(body).toString())).toEqual(['echo', 'echo']);
  await lost;
});

test('who waits for the next child and goes away, or sees the pool closed, is told at once', async () => {
  const { pool, crashed } = await openedPool();
  const lost = expect(pool.transform(ask('die'))).rejects.toMatchObject({ code: 'crashed' });
  await crashed;
  const client = new AbortController();
  const gone = expect(pool.transform(ask('echo', client.signal))).rejects.toThrow('gone');
  const left = expect(pool.transform(ask('echo'))).rejects.toMatchObject({ code: 'overloaded' });
  client.abort(new Error('gone'));
  await gone;
  await pool.close();
  await left;
  await lost;
});

test('closing ends the children, also one that is busy', async () => {
  const { pool } = await openedPool();
  const [pid = 0] = pool.pids;
  const busy = pool.transform(ask('wait'));
  busy.catch(() => undefined);
  await pool.close();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(busy).rejects.toMatchObject({ code: 'crashed' });
  await expect(pool.transform(ask('echo'))).rejects.toMatchObject({ code: 'overloaded' });
});

test('a child ends with its parent, however that ends', async () => {
  const { fork } = await import('node:child_process');
  const parent = fork(fileURLToPath(new URL('./doomed-parent.fixture.ts', import.meta.url)), [], {
    execArgv: ['--conditions=@tintype/source'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [pid] = (await once(parent, 'message')) as [number];
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test.runIf(process.platform === 'linux')(
  'a child that cannot be started is started later',
  async () => {
    const program = fileURLToPath(new URL('./crowded-parent.fixture.ts', import.meta.url));
    const command = 'ulimit -n 80 && exec "$0" --conditions=@tintype/source "$1"';
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, program], {
      timeout: 170_000,
    });
    expect(stdout).toBe('was ended by SIGKILL true echo\n');
  },
  180_000,
);

test('a child that the system refuses to start is started later', async () => {
  const { pool, crashedTwice } = await openedPool();
  // More than Linux takes as one variable; macOS and others have a limit for all.
  vi.stubEnv('TINTYPE_TOO_LONG', 'x'.repeat(2 * 1024 * 1024));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  process.kill(pool.pids[0] ?? 0, 'SIGKILL');
  expect(await crashedTwice).toBe('could not be started: spawn E2BIG');
  vi.unstubAllEnvs();
  expect(await alive(pool)).toBe('echo');
}, 180_000);

test('a child that takes its time to fail at its start is not tried again and again without a pause', async () => {
  const { pool, crashedTwice } = await openedPool();
  vi.stubEnv('TINTYPE_STUBBORN', 'fails late');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  process.kill(pool.pids[0] ?? 0, 'SIGKILL');
  expect(await crashedTwice).toBe('cannot be used: It fails late.');
  expect(pool.pids).toEqual([]);
}, 180_000);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
