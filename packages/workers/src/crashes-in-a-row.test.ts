import { expect, onTestFinished, test, vi } from 'vitest';
import { asking } from './requests.fixture.ts';
import { stubbornPool } from './stubborn-pool.fixture.ts';

const { pauses } = vi.hoisted(() => ({ pauses: [] as number[] }));

// The pauses of this process, in which nothing else pauses; they are short, whatever was asked for.
vi.mock('node:timers/promises', async (importOriginal) => {
  const timers = await importOriginal<typeof import('node:timers/promises')>();
  return {
    ...timers,
    setTimeout(ms: number, value: unknown, options: object) {
      pauses.push(ms);
      return timers.setTimeout(10, value, options);
    },
  };
});

test('each child that fails again and again is waited for longer and longer, whatever becomes of the others', async () => {
  const pool = stubbornPool({ processes: 2 });
  onTestFinished(() => pool.close());
  await pool.open();
  vi.stubEnv('TINTYPE_STUBBORN', 'dies');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  for (const pid of pool.pids) process.kill(pid, 'SIGKILL');
  // Of children that count together one is waited for half as long as the other, or their count begins anew.
  const times = (ms: number) => pauses.filter((pause) => pause === ms).length;
  await expect.poll(() => [200, 400, 800, 1_600, 3_200].map(times), { timeout: 150_000 }).toEqual([2, 2, 2, 2, 2]);
}, 180_000);

test('what kills its child is not tried on another one', async () => {
  const onCrash = vi.fn();
  const pool = stubbornPool({ processes: 2, onCrash });
  onTestFinished(() => pool.close());
  await pool.open();
  const [first, second] = pool.pids;
  await expect(pool.transform(asking('die'))).rejects.toMatchObject({ code: 'crashed' });
  expect(Buffer.from((await pool.transform(asking('echo'))).body).toString()).toBe('echo');
  expect(onCrash).toHaveBeenCalledExactlyOnceWith('exited with code 9', first);
  expect(pool.pids).toContain(second);
});

test('children that end again and again are told as that, and so is their recovery', async () => {
  const recovered = Promise.withResolvers<void>();
  const paused = Promise.withResolvers<unknown>();
  const asked: Promise<unknown>[] = [];
  const pool = stubbornPool({
    onPause(reason, pauseMs) {
      if (asked.length > 0) return;
      asked.push(pool.transform(asking('echo')).catch((error: unknown) => error));
      vi.unstubAllEnvs();
      paused.resolve([reason, pauseMs]);
    },
    onRecovery: recovered.resolve,
  });
  onTestFinished(() => pool.close());
  await pool.open();
  vi.stubEnv('TINTYPE_STUBBORN', 'dies');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  for (const pid of pool.pids) process.kill(pid, 'SIGKILL');
  expect(await paused.promise).toEqual(['exited with code 9', 1_600]);
  expect(await asked[0]).toMatchObject({
    code: 'overloaded',
    cause:
      'the processes that make them end again and again, the last one exited with code 9; another one is started within 5 s',
  });
  await recovered.promise;
  expect(Buffer.from((await pool.transform(asking('echo'))).body).toString()).toBe('echo');
}, 180_000);
