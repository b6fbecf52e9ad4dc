import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { MadeCloud, Place } from './cloud.ts';
import { serve } from './rig.ts';

const DAY_MS = 86_400_000;

/** When the server removes what a proxy has stored, if it does that by itself. */
export function testExpiration({ name, make }: Place): void {
  /** When the entry of a thumbnail goes, in days from before it was asked for, and what passed since. */
  async function expirationWith(cloud: MadeCloud, settings: Readonly<Record<string, string>>) {
    const began = Date.now();
    const served = await serve({ ...cloud.env, ...settings });
    const answer = await fetch(`${served.url}/unsafe/rs:fit:80:80/plain/${cloud.sourceUrl}@webp`);
    expect(answer.status).toBe(200);
    await answer.bytes();
    // The answer does not wait for the store.
    let [key] = await cloud.cached();
    for (; key === undefined; [key] = await cloud.cached()) await sleep(50);
    const at = await cloud.expiresAt?.(key);
    await served.kill('SIGTERM');
    return { days: ((at ?? Number.NaN) - began) / DAY_MS, passed: (Date.now() - began) / DAY_MS };
  }

  // The photograph is fresh for ten minutes, and may stand for failures a day more.
  test.for<readonly [string, Readonly<Record<string, string>>, number]>([
    ['goes after the days that are set', { TINTYPE_CACHE_EXPIRATION_DAYS: '30' }, 30],
    [
      'stays as long as it may be used',
      { TINTYPE_CACHE_EXPIRATION_DAYS: '7', TINTYPE_EDGE_TTL: `${20 * 86_400}`, TINTYPE_STALE_IF_ERROR: '86400' },
      21,
    ],
    ['stays where no days are set', {}, Number.NaN],
  ])('an entry %s', async ([, settings, expected], { skip }) => {
    const cloud = await make();
    if (cloud.expiresAt === undefined) return skip(`does not apply: ${name} forgets by a rule of the bucket`);
    const { days, passed } = await expirationWith(cloud, settings);
    if (Number.isNaN(expected)) return expect(days).toBeNaN();
    // In whole seconds, of which the last one counts.
    expect(days).toBeGreaterThan(expected - 2 / 86_400);
    expect(days).toBeLessThan(expected + passed + 2 / 86_400);
  });
}
