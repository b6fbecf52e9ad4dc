import { ChildProcess } from 'node:child_process';
import { getPriority } from 'node:os';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PoolOptions } from './pool.ts';
import { asking } from './requests.fixture.ts';
import { stubbornPool } from './stubborn-pool.fixture.ts';

async function twoChildren(options: Partial<PoolOptions> = {}) {
  const ends: { readonly reason: string; readonly pid: number | undefined }[] = [];
  const pool = stubbornPool({ processes: 2, onCrash: (reason, pid) => void ends.push({ reason, pid }), ...options });
  onTestFinished(() => pool.close());
  await pool.open();
  const ask = async (words: string, signal = new AbortController().signal) =>
    Buffer.from((await pool.transform(asking(words, { signal }))).body).toString();
  const ended = (count: number) => expect.poll(() => ends.length).toBeGreaterThanOrEqual(count);
  return { pool, ask, ends, ended };
}

/** What children that are started until the end of the test do. */
function laterChildren(what: string): void {
  vi.stubEnv('TINTYPE_STUBBORN', what);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

test('a child that is killed takes only its own transforms along, and the log is told which it was', async () => {
  const { pool, ask, ends, ended } = await twoChildren();
  const client = new AbortController();
  const [first, second] = pool.pids;
  // The one that has least to do is the first that is asked, then the other.
  const lost = expect(ask('wait')).rejects.toMatchObject({
    code: 'crashed',
    cause: expect.objectContaining({ message: 'the process that made it was ended by SIGKILL' }),
  });
  const kept = expect(ask('wait', client.signal)).rejects.toMatchObject({ code: 'timeout' });
  process.kill(first ?? 0, 'SIGKILL');
  await lost;
  await ended(1);
  expect(ends).toEqual([{ reason: 'was ended by SIGKILL', pid: first }]);
  expect(await ask('echo')).toBe('echo');
  expect(pool.pids).toContain(second);
  client.abort();
  await kept;
});

test('a child that is being killed is given nothing any more', async () => {
  const { ask } = await twoChildren({ killAfterMs: 50 });
  const { kill } = ChildProcess.prototype;
  const killed = Promise.withResolvers<void>();
  const spy = vi.spyOn(ChildProcess.prototype, 'kill').mockImplementation(function (this: ChildProcess, signal) {
    const done = kill.call(this, signal);
    killed.resolve();
    return done;
  });
  onTestFinished(() => spy.mockRestore());
  const client = new AbortController();
  const hanging = ask('spin', client.signal);
  const busy = [ask('wait'), ask('wait')];
  for (const each of busy) each.catch(() => undefined);
  client.abort();
  const lost = expect(hanging).rejects.toMatchObject({ code: 'crashed' });
  await killed.promise;
  // It would have as little to do as the other.
  expect(await Promise.all([ask('echo'), ask('echo'), ask('echo')])).toEqual(['echo', 'echo', 'echo']);
  await lost;
});

test('while a child fails at its start again and again the other makes all images', async () => {
  const { pool, ask, ends, ended } = await twoChildren();
  const [first, second] = pool.pids;
  laterChildren('fails late');
  process.kill(first ?? 0, 'SIGKILL');
  await ended(1);
  while (ends.length < 2) expect(await ask('echo')).toBe('echo');
  expect(ends[1]?.reason).toBe('cannot be used: It fails late.');
  expect(pool.pids).toContain(second);
  expect(await ask('echo')).toBe('echo');
}, 180_000);

test('a child that takes the place of another runs at low priority and is given work', async () => {
  const { pool, ask, ended } = await twoChildren({ priority: 1 });
  const [first, second] = pool.pids;
  const both = pool.residentBytes;
  process.kill(first ?? 0, 'SIGKILL');
  await ended(1);
  // A child tells its memory first when it can be used.
  await expect.poll(() => pool.residentBytes).toBeGreaterThan(0.8 * both);
  const added = pool.pids.find((pid) => pid !== second) ?? 0;
  expect(added).not.toBe(first);
  expect(getPriority(added)).toBeGreaterThan(getPriority());
  const lost = expect(ask('die')).rejects.toMatchObject({ code: 'crashed' });
  const other = expect(ask('die')).rejects.toMatchObject({ code: 'crashed' });
  await Promise.all([lost, other, ended(3)]);
  // Each has died of one of them: the work was shared.
  expect(pool.pids).not.toContain(added);
  expect(pool.pids).not.toContain(second);
}, 180_000);

test('the memory of all children is counted, and not that of one that has gone', async () => {
  const { pool, ended } = await twoChildren();
  const both = pool.residentBytes;
  laterChildren('fails late');
  process.kill(pool.pids[0] ?? 0, 'SIGKILL');
  await ended(1);
  expect(pool.residentBytes).toBeGreaterThan(0.2 * both);
  expect(pool.residentBytes).toBeLessThan(0.8 * both);
});

test('closing ends a child that is just starting, and none is started after it', async () => {
  const { pool, ended, ends } = await twoChildren();
  const [first, second] = pool.pids;
  laterChildren('never ready');
  process.kill(first ?? 0, 'SIGKILL');
  await ended(1);
  await expect.poll(() => pool.pids.length).toBe(2);
  const starting = pool.pids.find((pid) => pid !== second) ?? 0;
  await pool.close();
  expect(() => process.kill(starting, 0)).toThrow('ESRCH');
  expect(() => process.kill(second ?? 0, 0)).toThrow('ESRCH');
  expect(pool.pids).toEqual([]);
  expect(ends).toHaveLength(1);
});

test('children that cannot be used fail the opening: they are not replaced, and none stays', async () => {
  const onCrash = vi.fn();
  const pool = stubbornPool({ processes: 2, revision: 'stubborn-0', onCrash });
  await expect(pool.open()).rejects.toThrow('is stubborn-1, this one is stubborn-0');
  expect(pool.pids).toEqual([]);
  expect(onCrash).not.toHaveBeenCalled();
});

test('children that die at their start fail the opening: it tells of them, and not the log', async () => {
  laterChildren('dies');
  const onCrash = vi.fn();
  const pool = stubbornPool({ processes: 2, onCrash });
  await expect(pool.open()).rejects.toThrow('exited with code 9');
  expect(pool.pids).toEqual([]);
  expect(onCrash).not.toHaveBeenCalled();
});
