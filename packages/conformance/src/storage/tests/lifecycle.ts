import { MIN_METADATA_BYTES, type StorageCapabilities } from '@tintype/core';
import { describeError, Inconclusive, NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { settled, turn, within } from '../../engine/waiting.ts';
import { metadataOf } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

const BOOLEANS = [
  'conditionalCreate',
  'conditionalReplace',
  'conditionalMetadata',
  'conditionalDelete',
  'ranges',
  'versionCoversMetadata',
  'evicts',
  'nativeExpiry',
] as const satisfies readonly (keyof StorageCapabilities)[];

/** What keeps the event loop busy, counted by kind; what the suite itself has is the same each time. */
function activeResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    // What is about to end by itself.
    if (kind === 'Immediate' || kind.endsWith('Req') || kind.endsWith('ReqWrap') || kind.endsWith('ReqPromise'))
      continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function grown(before: Map<string, number>, after: Map<string, number>): string[] {
  return [...after]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} × ${kind}`);
}

/**
 * Waits for handles that are closing: the operating system tells it some turns later. Turns, not time: the longer it
 * takes, the likelier something else of this process ends meanwhile and makes up for what was left.
 */
async function leftSince(before: Map<string, number>): Promise<string[]> {
  let left = grown(before, activeResources());
  for (let i = 0; i < 20 && left.length > 0; i++) {
    await turn();
    left = grown(before, activeResources());
  }
  return left;
}

/** Opens an instance during an outage of the whole backend, and once more when it is over. */
async function openAfterOutage(env: StorageEnv, number: number): Promise<void> {
  const own = await env.create();
  const outage = own.sabotage?.outages?.[number];
  const adapter = own.sibling?.();
  if (outage === undefined || adapter === undefined) throw new Inconclusive('Each subject has other hooks.');
  const client = await env.open(own.adapter);
  const key = env.key('outage');
  await settled(client.put(key, env.random.bytes(10)));
  await env.close(client);
  await env.supposed(`it can happen that ${outage.name}`, () => outage.befall(key));
  const during = await settled(within(env.operationTimeoutMs, 'open() during an outage', adapter.open(env.context())));
  await own.sabotage?.undo?.();
  // One that notices only when it is asked for something has nothing to repeat.
  if (during.ok) return void (await settled(adapter.close()));
  const again = await settled(env.open(adapter));
  if (!again.ok) {
    throw new RequirementBroken(`When ${outage.name} was over, another open rejected: ${describeError(again.error)}`);
  }
  await again.value.put(key, env.random.bytes(20));
  await settled(again.value.delete(key));
  await env.close(again.value);
}

export const lifecycleTests: readonly StorageTest[] = [
  {
    requirement: 'lifecycle.opens',
    title: 'the storage opens and closes',
    async run(env) {
      const own = await env.create();
      const client = await env.open(own.adapter);
      await env.close(client);
      const left = env.adapter.capabilities;
      expect(typeof left === 'object' && left !== null, 'An open storage declares no capabilities.');
    },
  },
  {
    requirement: 'lifecycle.construction-is-idle',
    title: 'a constructed adapter that is never opened holds nothing',
    async run(env) {
      // The suite's own timer for this test starts first.
      await turn();
      const start = activeResources();
      const own = await env.create();
      if (own.sibling === undefined) {
        const [made, leaks] = [grown(start, activeResources()), await env.leaks(own)];
        if (made.length > 0) {
          const whose = `its \`create\` opens ${made.join(', ')}, and nobody knows for whom`;
          throw new NotApplicable(`the harness has no \`sibling\`: ${whose}`);
        }
        expect(leaks.length === 0, `Before open: ${leaks.join(', ')}.`);
        return;
      }
      const before = activeResources();
      const adapter = own.sibling?.();
      const opened = grown(before, activeResources());
      const leaks = await env.leaks(own);
      await settled(async () => adapter?.close());
      expect(opened.length === 0, `The constructor opened ${opened.join(', ')}.`);
      expect(leaks.length === 0, `The constructor left ${leaks.join(', ')}.`);
    },
  },
  {
    requirement: 'lifecycle.capabilities-well-formed',
    title: 'every capability is declared, with a value in its range',
    async run(env) {
      const declared = env.capabilities;
      for (const name of BOOLEANS) {
        expect(typeof declared[name] === 'boolean', `${name} is ${String(declared[name])}, not a boolean.`);
      }
      for (const name of ['readConsistency', 'listConsistency'] as const) {
        const value = declared[name];
        expect(value?.kind === 'strong' || value?.kind === 'eventual', `${name}.kind is ${String(value?.kind)}.`);
        expect(value.scope === 'store' || value.scope === 'instance', `${name}.scope is ${String(value.scope)}.`);
        if (value.kind === 'eventual') expect(value.settleMs > 0, `${name}.settleMs is ${value.settleMs}.`);
      }
      expect(['none', 'process', 'power'].includes(declared.durability), `durability is ${declared.durability}.`);
      expect(declared.maxObjectBytes > 0, `maxObjectBytes is ${declared.maxObjectBytes}.`);
      expect(
        declared.maxMetadataBytes >= MIN_METADATA_BYTES,
        `maxMetadataBytes is ${declared.maxMetadataBytes}, less than ${MIN_METADATA_BYTES}.`,
      );
      expect(
        declared.minWriteIntervalMs >= 0 && Number.isFinite(declared.minWriteIntervalMs),
        `minWriteIntervalMs is ${declared.minWriteIntervalMs}.`,
      );
    },
  },
  {
    requirement: 'lifecycle.open-only-withdraws',
    title: 'what is declared after open was declared before',
    async run(env) {
      const own = await env.create();
      const before = { ...own.adapter.capabilities };
      const client = await env.open(own.adapter);
      const after = client.capabilities;
      for (const name of BOOLEANS) {
        if (name === 'evicts') continue;
        expect(before[name] || !after[name], `open added ${name}.`);
      }
      expect(after.maxObjectBytes <= before.maxObjectBytes, 'open raised maxObjectBytes.');
      expect(after.maxMetadataBytes <= before.maxMetadataBytes, 'open raised maxMetadataBytes.');
      await env.close(client);
    },
  },
  {
    requirement: 'lifecycle.capabilities-final',
    title: 'capabilities are the same before and after operations',
    async run(env) {
      const before = JSON.stringify(env.capabilities);
      const key = env.key('final');
      await env.given(key, env.random.bytes(10));
      await settled(env.delete(key));
      await settled(env.list(env.prefix));
      await settled(env.adapter.check(env.context()));
      const after = JSON.stringify(env.capabilities);
      expect(before === after, `Capabilities changed from ${before} to ${after}.`);
    },
  },
  {
    requirement: 'lifecycle.open-again-after-failure',
    title: 'an open that was aborted, or came while the backend was out of order, can be tried again',
    async run(env) {
      const own = await env.create();
      const reason = new Error('gave up opening');
      const first = await settled(
        within(env.operationTimeoutMs, 'An aborted open()', own.adapter.open(env.context(AbortSignal.abort(reason)))),
      );
      // An adapter without I/O has nothing to abort.
      if (!first.ok) {
        await within(env.operationTimeoutMs, 'open() after an aborted one', own.adapter.open(env.context()));
      }
      const missing = await settled(
        within(env.operationTimeoutMs, 'stat()', Promise.resolve(own.adapter.stat(env.key('x'), env.context()))),
      );
      await settled(own.adapter.close());
      expect(missing.ok, 'After the second open the storage does not work.');
      for (const [number, { isWhole }] of (env.subject.sabotage?.outages ?? []).entries()) {
        if (isWhole && env.subject.sibling) await openAfterOutage(env, number);
      }
    },
  },
  {
    requirement: 'lifecycle.close-releases',
    title: 'after close there are as many handles as before open',
    async run(env) {
      const own = await env.create();
      const before = activeResources();
      const client = await env.open(own.adapter);
      const key = env.key('close');
      await env.supposed('an entry can be written and read', async () => {
        await client.put(key, env.random.bytes(100_000));
        await client.read(key);
        await client.list(env.prefix);
        await client.delete(key);
      });
      await env.close(client);
      const left = await leftSince(before);
      expect(left.length === 0, `close left ${left.join(', ')}.`);
      const leaks = await env.leaks(own);
      expect(leaks.length === 0, `close left ${leaks.join(', ')}.`);
    },
  },
  {
    requirement: 'lifecycle.close-frees-unread-bodies',
    title: 'close frees a body that was never read and a listing that was left half-way',
    async run(env) {
      const own = await env.create();
      const before = activeResources();
      const client = await env.open(own.adapter);
      const key = env.key('unread');
      await env.supposed('two entries can be written', async () => {
        await client.put(key, env.random.bytes(300_000));
        await client.put(env.key('unread2'), env.random.bytes(10));
      });
      const hit = await client.adapter.get(key, undefined, client.context());
      const listing = client.adapter.list(env.prefix, undefined, client.context())[Symbol.asyncIterator]();
      await listing.next();
      await settled(Promise.all([client.delete(key), client.delete(env.key('unread2'))]));
      await env.close(client);
      const left = await leftSince(before);
      const leaks = await env.leaks(own);
      await settled(async () => listing.return?.());
      if (hit?.kind === 'entry') await settled(hit.body.discard());
      expect(left.length === 0, `close left ${left.join(', ')}.`);
      expect(leaks.length === 0, `close left ${leaks.join(', ')}.`);
    },
  },
  {
    requirement: 'lifecycle.instances-are-independent',
    title: 'closing one instance leaves the other working',
    async run(env) {
      const own = await env.create();
      const other = await env.create();
      const mine = await env.open(own.adapter);
      const theirs = await env.open(other.adapter);
      const key = env.key('independent');
      const bytes = env.random.bytes(80_000);
      await env.supposed('an entry can be written', () => mine.put(key, bytes));
      await env.close(theirs);
      await mine.expectEntry(key, { bytes }, 'after another instance was closed');
      await mine.put(key, bytes);
      await settled(mine.delete(key));
      await env.close(mine);
    },
  },
  {
    requirement: 'lifecycle.data-survives-close',
    title: 'the next instance finds what the last one put',
    async run(env) {
      const first = await env.open(env.sibling());
      const key = env.key('survives');
      const bytes = env.random.bytes(200_000);
      const metadata = metadataOf('survives');
      const version = await env.supposed('an entry can be written', () => first.put(key, bytes, { metadata }));
      await env.close(first);
      const next = await env.open(env.sibling());
      await next.expectEntry(key, { bytes, metadata, version }, 'after a new open');
      await env.close(next);
    },
  },
  {
    requirement: 'lifecycle.check-approves',
    title: 'check of a working storage is ok and has a summary',
    async run(env) {
      const result = await env.limited('check()', env.adapter.check(env.context()));
      expect(result.ok, `check says ${JSON.stringify(result)}.`);
      expect(typeof result.summary === 'string' && result.summary.length > 0, 'check gives no summary.');
    },
  },
  {
    requirement: 'lifecycle.check-leaves-nothing',
    title: 'check changes no entry and adds none',
    async run(env) {
      const own = await env.create();
      const client = await env.open(own.adapter);
      const key = env.key('checked');
      const bytes = env.random.bytes(100);
      const version = await env.supposed('an entry can be written', () => client.put(key, bytes));
      const before = await env.supposed('it can be listed', () => client.keys(''));
      await settled(client.limited('check()', client.adapter.check(client.context())));
      const after = await client.keys('');
      const added = after.filter((listed) => !before.includes(listed) && listed !== key);
      await client.expectEntry(key, { bytes, version }, 'after check');
      await settled(client.delete(key));
      await env.close(client);
      expect(added.length === 0, `check added ${added.join(', ')}.`);
    },
  },
];
