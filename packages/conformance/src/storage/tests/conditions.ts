import type { StorageKey, Version } from '@tintype/core';
import { RequirementBroken } from '../../engine/outcome.ts';
import { Patience } from '../../engine/patience.ts';
import { pause, settled, turn } from '../../engine/waiting.ts';
import { type GatedBody, gatedBody, streamBody } from '../bodies.ts';
import { difference, hasCode, metadataOf, type StorageClient } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

const NO_SUCH_VERSION = 'no-such-version' as Version;
/** How long the body of a refused put may take to be given up, in milliseconds. */
const RELEASED_MS = 10_000;
/** Attempts of an increment after which it may be given up. */
const LEAST_ATTEMPTS = 2_000;

/** A version that the entry had and has no more, with what is there now. */
async function overwritten(env: StorageEnv, key: StorageKey): Promise<{ stale: Version; bytes: Uint8Array }> {
  const stale = await env.given(key, env.random.bytes(50));
  const bytes = env.random.bytes(60);
  await env.given(key, bytes, metadataOf('current'));
  return { stale, bytes };
}

/** Racing writers with slow bodies: all stand in the middle of theirs before any goes on. */
async function raceToCreate(
  env: StorageEnv,
  key: StorageKey,
  writers: number,
  clients: readonly StorageClient[] = [env],
): Promise<void> {
  const bodies = Array.from({ length: writers }, (_, i) => new Uint8Array(70_000 + i).fill(i + 1));
  const gates: GatedBody[] = bodies.map((bytes) => gatedBody(bytes, 65_536));
  const puts = gates.map((body, i) =>
    settled(
      (clients[i % clients.length] ?? env).put(key, body, {
        condition: { ifAbsent: true },
        metadata: metadataOf(`writer-${i}`),
      }),
    ),
  );
  // A storage may take one writer after another, or refuse early: then not all gates are reached.
  await Promise.race([Promise.all(gates.map((gate) => gate.reached)), pause(20)]);
  for (const gate of env.random.shuffle(gates)) {
    gate.release();
    if (env.random.below(2) === 0) await turn();
  }
  const outcomes = await Promise.all(puts);
  const winners = outcomes.flatMap((outcome, i) => (outcome.ok ? [i] : []));
  expect(winners.length === 1, `${winners.length} of ${writers} writers that raced to create one key won.`);
  for (const outcome of outcomes) {
    const fits = outcome.ok || hasCode(outcome.error, 'precondition-failed', 'conflict', 'rate-limited');
    if (!fits) throw new RequirementBroken(`A losing writer got ${String(outcome.ok ? '' : outcome.error)}.`);
  }
  const winner = winners[0] ?? 0;
  const bytes = bodies[winner] ?? new Uint8Array(0);
  await env.expectEntry(key, { bytes, metadata: metadataOf(`writer-${winner}`) }, `after writer ${winner} had won`);
}

/** Increments a counter by compare-and-swap until it worked. */
async function increment(env: StorageEnv, key: StorageKey, client: StorageClient = env): Promise<void> {
  const patience = new Patience(env.operationTimeoutMs);
  // Another's put that a slow disk holds up refuses all attempts meanwhile.
  for (let attempt = 0; attempt < LEAST_ATTEMPTS || !patience.isOver; attempt++) {
    const seen = await client.read(key);
    if (seen === undefined) {
      // An eventual store may not know of it yet.
      if (env.settleMs === 0) throw new RequirementBroken('The counter disappeared.');
      await pause(5);
      continue;
    }
    const next = new TextEncoder().encode(String(Number(new TextDecoder().decode(seen.bytes)) + 1));
    const swapped = await settled(client.put(key, next, { condition: { ifVersion: seen.version } }));
    if (swapped.ok) return;
    if (!hasCode(swapped.error, 'precondition-failed', 'conflict', 'rate-limited')) throw swapped.error;
    await (attempt % 8 === 7 ? pause(1 + env.random.below(4)) : turn());
  }
  throw new RequirementBroken('An increment never succeeded in 2,000 attempts and the time for an operation.');
}

/** Workers that each increment one counter `times` times: none of it may be lost. */
async function counted(
  env: StorageEnv,
  key: StorageKey,
  workers: number,
  times: number,
  clients: readonly StorageClient[] = [env],
): Promise<void> {
  await env.given(key, new TextEncoder().encode('0'));
  // A backend that takes one write a second gets fewer of them.
  const each = env.capabilities.minWriteIntervalMs > 0 ? Math.min(times, 2) : times;
  const working = Array.from({ length: workers }, async (_, worker) => {
    for (let i = 0; i < each; i++) await increment(env, key, clients[worker % clients.length]);
  });
  const results = await Promise.allSettled(working);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await env.eventually(async () => {
    const seen = new TextDecoder().decode((await env.read(key))?.bytes);
    return seen === String(workers * each) ? undefined : `${workers * each} increments made ${seen}.`;
  });
}

/** A body that must not be touched, because the put is refused before any I/O. */
function untouchable(): ReturnType<typeof streamBody> {
  return streamBody([new Uint8Array(10)]);
}

export const conditionsTests: readonly StorageTest[] = [
  {
    requirement: 'conditions.create-when-absent',
    title: 'ifAbsent creates where nothing is, and again after a delete',
    async run(env) {
      const key = env.key('absent');
      for (let i = 0; i < 2; i++) {
        const bytes = env.random.bytes(50 + i);
        await env.put(key, bytes, { condition: { ifAbsent: true } });
        await env.expectEntry(key, { bytes }, 'after ifAbsent');
        await env.supposed('an entry can be deleted', async () => {
          await env.delete(key);
          await env.expectMissing(key);
        });
      }
      const bytes = env.random.bytes(100_000);
      await env.put(key, streamBody([bytes]), { condition: { ifAbsent: true } });
      await env.expectEntry(key, { bytes }, 'after ifAbsent with a stream');
    },
  },
  {
    requirement: 'conditions.create-over-an-entry-is-refused',
    title: 'ifAbsent over an entry changes nothing',
    async run(env) {
      for (const size of [0, 1, 100_000]) {
        const key = env.key(`present/${size}`);
        const bytes = env.random.bytes(size);
        const version = await env.given(key, bytes);
        const creating = () => env.put(key, env.random.bytes(100), { condition: { ifAbsent: true } });
        await env.expectRefusal('ifAbsent over an entry', creating, 'precondition-failed');
        await env.expectEntry(key, { bytes, version, metadata: metadataOf('given') }, 'after a refused ifAbsent');
      }
    },
  },
  {
    requirement: 'conditions.create-race-has-one-winner',
    title: 'of 8 writers with slow bodies one wins',
    async run(env) {
      for (let round = 0; round < env.times(6, 3); round++) await raceToCreate(env, env.key(`race/${round}`), 8);
    },
  },
  {
    requirement: 'conditions.instances-race-to-create',
    title: 'of 8 writers on two instances one wins',
    async run(env) {
      await env.supposed('one instance keeps its own writers apart', () => raceToCreate(env, env.key('alone'), 8));
      const other = await env.open(env.sibling());
      for (let round = 0; round < env.times(6, 3); round++) {
        await raceToCreate(env, env.key(`race/${round}`), 8, [env, other]);
      }
    },
  },
  {
    requirement: 'conditions.create-undeclared-is-refused',
    title: 'ifAbsent is unsupported where it isn’t declared, before anything is read',
    async run(env) {
      const key = env.key('undeclared');
      const body = untouchable();
      const creating = () => env.put(key, body, { condition: { ifAbsent: true } });
      await env.expectRefusal('ifAbsent', creating, 'unsupported');
      expect(body.opened === 0, 'The body was read before ifAbsent was refused.');
      await env.expectMissing(key, 'after a refused ifAbsent');
    },
  },
  {
    requirement: 'conditions.replace-current',
    title: 'ten replacements, each with the version of the one before',
    async run(env) {
      const key = env.key('current');
      let ifVersion = await env.given(key, env.random.bytes(10));
      for (let i = 0; i < 10; i++) {
        const bytes = env.random.bytes(20 + i);
        ifVersion = await env.put(key, bytes, { condition: { ifVersion } });
        await env.expectEntry(key, { bytes }, 'after a replacement');
      }
    },
  },
  {
    requirement: 'conditions.replace-stale-is-refused',
    title: 'a put with an older version changes nothing',
    async run(env) {
      const key = env.key('stale');
      const { stale, bytes } = await overwritten(env, key);
      for (const ifVersion of [stale, NO_SUCH_VERSION]) {
        const replacing = () => env.put(key, env.random.bytes(5), { condition: { ifVersion } });
        await env.expectRefusal('A put with an older version', replacing, 'precondition-failed', 'conflict');
        await env.expectEntry(key, { bytes, metadata: metadataOf('current') }, 'after a refused put');
      }
    },
  },
  {
    requirement: 'conditions.replace-missing-is-refused',
    title: 'a put with a version creates nothing',
    async run(env) {
      const key = env.key('missing');
      const version = await env.given(key, env.random.bytes(10));
      await env.supposed('an entry can be deleted', async () => {
        await env.delete(key);
        await env.expectMissing(key);
      });
      for (const ifVersion of [version, NO_SUCH_VERSION]) {
        const replacing = () => env.put(key, env.random.bytes(5), { condition: { ifVersion } });
        await env.expectRefusal('A put with a version over nothing', replacing, 'precondition-failed', 'conflict');
        await env.expectMissing(key, 'after a refused put');
      }
    },
  },
  {
    requirement: 'conditions.replace-after-metadata-is-refused',
    title: 'setMetadata makes the version before it stale',
    async run(env) {
      const key = env.key('after-metadata');
      const bytes = env.random.bytes(10);
      const ifVersion = await env.given(key, bytes);
      await env.supposed('metadata can be set', () => env.setMetadata(key, metadataOf('newer')));
      const replacing = () => env.put(key, env.random.bytes(5), { condition: { ifVersion } });
      await env.expectRefusal(
        'A put with the version from before setMetadata',
        replacing,
        'precondition-failed',
        'conflict',
      );
      await env.expectEntry(key, { bytes, metadata: metadataOf('newer') }, 'after a refused put');
    },
  },
  {
    requirement: 'conditions.versions-are-not-reused',
    title: 'an entry that was deleted and put again has another version',
    async run(env) {
      const key = env.key('again');
      const bytes = env.random.bytes(10);
      const ifVersion = await env.given(key, bytes);
      await env.supposed('an entry can be deleted', () => env.delete(key));
      await env.given(key, bytes);
      const replacing = () => env.put(key, env.random.bytes(5), { condition: { ifVersion } });
      await env.expectRefusal(
        'A put with the version from before a delete',
        replacing,
        'precondition-failed',
        'conflict',
      );
    },
  },
  {
    requirement: 'conditions.replace-counts',
    title: '5 workers × 10 increments make 50',
    timeoutMs: 120_000,
    run: (env) => counted(env, env.key('counter'), 5, 10),
  },
  {
    requirement: 'conditions.instances-count',
    title: '4 workers on two instances × 5 increments make 20',
    timeoutMs: 120_000,
    async run(env) {
      await env.supposed('one instance counts', () => counted(env, env.key('alone'), 4, 2));
      await counted(env, env.key('counter'), 4, 5, [env, await env.open(env.sibling())]);
    },
  },
  {
    requirement: 'conditions.replace-undeclared-is-refused',
    title: 'ifVersion is unsupported where it isn’t declared, before anything is read',
    async run(env) {
      const key = env.key('undeclared');
      const bytes = env.random.bytes(10);
      const ifVersion = await env.given(key, bytes);
      const body = untouchable();
      const replacing = () => env.put(key, body, { condition: { ifVersion } });
      await env.expectRefusal('A put with a version', replacing, 'unsupported');
      expect(body.opened === 0, 'The body was read before ifVersion was refused.');
      await env.expectEntry(key, { bytes }, 'after a refused put');
    },
  },
  {
    requirement: 'conditions.delete-current',
    title: 'a delete with the version at hand works',
    async run(env) {
      const key = env.key('current');
      const ifVersion = await env.given(key, env.random.bytes(10));
      await env.delete(key, { ifVersion });
      await env.expectMissing(key, 'after a conditional delete');
    },
  },
  {
    requirement: 'conditions.delete-stale-is-refused',
    title: 'a delete with an older version removes nothing',
    async run(env) {
      const key = env.key('stale');
      const { stale, bytes } = await overwritten(env, key);
      for (const ifVersion of [stale, NO_SUCH_VERSION]) {
        const deleting = () => env.delete(key, { ifVersion });
        await env.expectRefusal('A delete with an older version', deleting, 'precondition-failed', 'conflict');
        await env.expectEntry(key, { bytes }, 'after a refused delete');
      }
    },
  },
  {
    requirement: 'conditions.delete-missing-is-refused',
    title: 'a delete with a version of nothing is refused',
    async run(env) {
      const deleting = () => env.delete(env.key('missing'), { ifVersion: NO_SUCH_VERSION });
      await env.expectRefusal('A delete with a version of nothing', deleting, 'precondition-failed', 'conflict');
    },
  },
  {
    requirement: 'conditions.delete-loses-to-a-put',
    title: 'a delete of the old version and a put at the same moment leave the new entry',
    async run(env) {
      for (let i = 0; i < env.times(40, 10); i++) {
        const key = env.key(`race/${i}`);
        const ifVersion = await env.given(key, env.random.bytes(10));
        const bytes = env.random.bytes(12);
        const putting = settled(env.put(key, bytes));
        const deleting = settled(env.delete(key, { ifVersion }));
        const put = await putting;
        await deleting;
        if (!put.ok) continue;
        await env.eventually(async () => {
          const problem = difference(await env.read(key), { bytes });
          return problem && `After a delete of the old version that raced a put: ${problem}.`;
        });
      }
    },
  },
  {
    requirement: 'conditions.delete-undeclared-is-refused',
    title: 'a delete with a condition is unsupported where it isn’t declared',
    async run(env) {
      const key = env.key('undeclared');
      const bytes = env.random.bytes(10);
      const ifVersion = await env.given(key, bytes);
      await env.expectRefusal('A delete with a condition', () => env.delete(key, { ifVersion }), 'unsupported');
      await env.expectEntry(key, { bytes }, 'after a refused delete');
    },
  },
  {
    requirement: 'conditions.refusal-releases-the-body',
    title: 'a refused put leaves no stream running',
    async run(env) {
      const key = env.key('refused');
      await env.given(key, env.random.bytes(10));
      const body = streamBody(Array.from({ length: 20 }, () => env.random.bytes(30_000)));
      await settled(env.put(key, body, { condition: { ifAbsent: true } }));
      const patience = new Patience(Math.min(RELEASED_MS, env.operationTimeoutMs));
      while (body.running > 0 && !patience.isOver) await pause(5);
      expect(body.running === 0, 'The stream of a refused put was neither read to its end nor given up.');
    },
  },
];
