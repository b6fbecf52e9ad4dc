import { StorageError, type Version } from '@tintype/core';
import { NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { settled } from '../../engine/waiting.ts';
import { bytesBody, type GatedBody, gatedBody, streamBody } from '../bodies.ts';
import { difference, metadataOf, type StorageClient } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';
import type { Damage, MishapHook, Sabotage, StorageSubject } from '../harness.ts';

const METADATA = metadataOf('sound');
/** Bodies that are read whole, and such that are streamed. */
const SIZES = [1_000, 300_000];

/** The hook of this name. @throws NotApplicable where the harness has none: the test then says so. */
export function mishap<K extends MishapHook>(subject: StorageSubject, kind: K): NonNullable<Sabotage[K]> {
  const hook = subject.sabotage?.[kind];
  if (hook !== undefined) return hook;
  const reason = subject.without?.[kind];
  throw new NotApplicable(reason ? `does not apply: ${reason}` : `the harness has no \`sabotage.${kind}\``);
}

/** Puts an entry, and lets the damage befall it. @returns its bytes */
async function damaged(env: StorageEnv, damage: Damage, name: string, size: number): Promise<Uint8Array> {
  const bytes = env.random.bytes(size);
  const key = env.key(name);
  await env.given(key, bytes, METADATA);
  await env.supposed(`it can happen that ${damage.name}`, () => damage.befall(key));
  return bytes;
}

/** Rejections must be errors of the contract; everything else is looked at by the test. */
function expectStorageError(what: string, error: unknown): void {
  expect(StorageError.is(error), `${what} rejected with ${String(error)}, which is no StorageError.`);
}

async function damageIsTold(env: StorageEnv, damage: Damage, size: number, number: number): Promise<void> {
  const name = `d/${number}/${size}`;
  const key = env.key(name);
  const bytes = await damaged(env, damage, name, size);
  const because = `After ${damage.name} (body of ${size} bytes),`;
  const read = await settled(env.read(key));
  if (!read.ok) expectStorageError(`${because} get`, read.error);
  const problem = read.ok ? difference(read.value, { bytes, metadata: METADATA }) : undefined;
  expect(problem === undefined, `${because} get told nothing and ${problem}.`);
  const part = { first: 10, last: size - 11 };
  const partly = env.capabilities.ranges ? await settled(env.read(key, part)) : undefined;
  if (partly?.ok === false) expectStorageError(`${because} get of a range`, partly.error);
  if (partly?.ok) {
    const wrong = difference(partly.value, { bytes: bytes.subarray(10, size - 10), metadata: METADATA });
    // A changed byte need not be noticed without the rest.
    const seen = wrong?.startsWith('the body has') && partly.value?.bytes.length === size - 20 ? undefined : wrong;
    expect(seen === undefined, `${because} get of a range told nothing and ${seen}.`);
  }
  const stat = await settled(env.stat(key));
  if (!stat.ok) expectStorageError(`${because} stat`, stat.error);
  else {
    expect(damage.showsInStat !== true, `${because} stat told nothing.`);
    expect(stat.value !== undefined, `${because} stat says that there is no entry.`);
    const isSame = stat.value.size === size && stat.value.metadata.encoded === METADATA.encoded;
    expect(isSame, `${because} stat answered ${JSON.stringify(stat.value)}.`);
  }
  // Whoever copies the body must not give its damage a new seal.
  const renewed = metadataOf('renewed');
  const set = await settled(env.setMetadata(key, renewed));
  if (!set.ok) expectStorageError(`${because} setMetadata`, set.error);
  const again = await settled(env.read(key));
  if (again.ok) {
    const wrong = difference(again.value, { bytes, metadata: set.ok ? renewed : METADATA });
    expect(wrong === undefined, `${because} and setMetadata, get told nothing and ${wrong}.`);
  }
}

async function damageIsMended(env: StorageEnv, damage: Damage, number: number): Promise<void> {
  await missesAreMisses(env);
  const beside = env.key('m/z');
  await env.given(beside, env.random.bytes(10));
  for (const way of ['put', 'delete'] as const) {
    const name = `m/${number}/${way}`;
    const key = env.key(name);
    await damaged(env, damage, name, 1_000);
    const rows = await settled(env.keys(`${env.prefix}m/`));
    if (!rows.ok) throw new RequirementBroken(`After ${damage.name}, list rejected with ${String(rows.error)}.`);
    expect(rows.value.includes(beside), `After ${damage.name}, list does not show the entries beside.`);
    const removed = way === 'delete' ? await settled(env.delete(key)) : undefined;
    expect(removed?.ok !== false, `After ${damage.name}, the entry cannot be deleted.`);
    if (removed?.ok) await env.expectMissing(key, `after ${damage.name} and a delete`);
    const bytes = env.random.bytes(2_000);
    const again = await settled(env.put(key, bytes));
    // What is no entry at all need not give way to a put; a delete makes room.
    if (again.ok) await env.expectEntry(key, { bytes }, `after ${damage.name} and a new put`);
    else {
      expectStorageError(`After ${damage.name}, put`, again.error);
      expect(way === 'put', `After ${damage.name} and a delete, nothing can be put.`);
      await env.delete(key);
    }
  }
}

/** Every operation, to be tried while nothing can work. */
function operations(
  env: StorageEnv,
  client: StorageClient,
  name: string,
): readonly (readonly [string, () => Promise<unknown>])[] {
  const key = env.key(name);
  const long = env.random.bytes(200_000);
  const { conditionalCreate, ranges } = client.capabilities;
  return [
    ['get', () => client.read(key)],
    ...(ranges ? ([['get of a range', () => client.read(key, { first: 1, last: 2 })]] as const) : []),
    ['get of a long body', () => client.read(env.key(`${name}-long`))],
    ['stat', () => client.stat(key)],
    ['put', () => client.put(key, bytesBody(new Uint8Array(10)))],
    ['put of a stream', () => client.put(key, streamBody([long]))],
    ...(conditionalCreate
      ? ([
          ['put if absent', () => client.put(env.key(`${name}-new`), long, { condition: { ifAbsent: true } })],
        ] as const)
      : []),
    ['setMetadata', () => client.setMetadata(key, metadataOf('during'))],
    ['delete', () => client.delete(key)],
  ];
}

/** What is tried afterwards with an entry that was deleted must not fail for another reason. */
async function missesAreMisses(env: StorageEnv): Promise<void> {
  await env.supposed('a key without an entry is a miss', () => env.expectMissing(env.key('nothing')));
}

/** Runs `test` with a storage of its own, so that what happens to it happens to nobody else. */
async function apart(
  env: StorageEnv,
  test: (client: StorageClient, sabotage: Sabotage) => Promise<void>,
): Promise<void> {
  const subject = await env.create();
  const client = await env.open(subject.adapter);
  try {
    await test(client, subject.sabotage ?? {});
  } finally {
    await settled(async () => subject.sabotage?.undo?.());
  }
  await env.close(client);
}

export const mishapTests: readonly StorageTest[] = [
  {
    requirement: 'errors.damage-is-noticed',
    title: 'whatever the harness does to an entry, what is told of it is right, or an error',
    async run(env) {
      for (const [number, damage] of mishap(env.subject, 'damages').entries()) {
        for (const size of SIZES) await damageIsTold(env, damage, size, number);
      }
      await env.subject.sabotage?.undo?.();
    },
  },
  {
    requirement: 'errors.damage-stays-local',
    title: 'whatever the harness does to an entry, it can be deleted and put anew',
    async run(env) {
      for (const [number, damage] of mishap(env.subject, 'damages').entries()) {
        await damageIsMended(env, damage, number);
      }
      await env.subject.sabotage?.undo?.();
    },
  },
  {
    requirement: 'errors.outage-is-told',
    title: 'while the backend is out of order every operation rejects; afterwards all is as before',
    async run(env) {
      for (const [number, { name }] of mishap(env.subject, 'outages').entries()) {
        await apart(env, async (client, sabotage) => {
          const outage = sabotage.outages?.[number];
          const entry = `outage/${number}`;
          const [key, long] = [env.key(entry), env.key(`${entry}-long`)];
          const [bytes, longBytes] = [env.random.bytes(100), env.random.bytes(300_000)];
          const version = await client.given(key, bytes, METADATA);
          await client.given(long, longBytes, METADATA);
          await env.supposed(`it can happen that ${name}`, async () => outage?.befall(key));
          for (const [what, operation] of operations(env, client, entry)) {
            const outcome = await settled(operation);
            expect(!outcome.ok, `While ${name}, ${what} resolved.`);
            if (outcome.error instanceof RequirementBroken) throw outcome.error;
            expectStorageError(`While ${name}, ${what}`, outcome.error);
          }
          if (outage?.isWhole) {
            const rows = await settled(client.list(env.prefix));
            expect(!rows.ok, `While ${name}, a listing ended without an error.`);
            expectStorageError(`While ${name}, list`, rows.error);
            const checked = await settled(client.limited('check()', client.adapter.check(client.context())));
            if (!checked.ok) throw new RequirementBroken(`While ${name}, check rejected: ${String(checked.error)}`);
            expect(!checked.value.ok, `While ${name}, check says that all is well.`);
            expect(checked.value.problem?.trim().includes(' ') === true, `While ${name}, check explains nothing.`);
          }
          await sabotage.undo?.();
          await client.expectEntry(key, { bytes, metadata: METADATA, version }, `after ${name}`);
          await client.expectEntry(long, { bytes: longBytes, metadata: METADATA }, `after ${name}`);
          await client.expectKeys(env.prefix, [key, long]);
          const newer = env.random.bytes(50);
          const put = await settled(client.put(key, newer));
          expect(put.ok, `After ${name}, put does not work any more.`);
          await client.expectEntry(key, { bytes: newer }, `after ${name} and a put`);
          const removed = await settled(client.delete(long));
          expect(removed.ok, `After ${name}, delete does not work any more.`);
        });
      }
    },
  },
  {
    requirement: 'errors.stays-in-its-place',
    title: 'writes and deletes below a place that leads elsewhere',
    async run(env) {
      mishap(env.subject, 'detour');
      await apart(env, async (client, sabotage) => {
        const key = env.key('here/entry');
        const version = await client.given(key, env.random.bytes(100));
        await client.given(env.key('beside'), env.random.bytes(10));
        const changes = await env.supposed('its place can be made to lead elsewhere', () =>
          mishap({ adapter: client.adapter, sabotage }, 'detour')(key),
        );
        const { conditionalCreate, conditionalReplace } = client.capabilities;
        const body = new Uint8Array(10).fill(1);
        const tried = [
          await settled(client.put(env.key('here/new'), body)),
          await settled(client.put(env.key('here/deep/er'), body)),
          await settled(client.put(key, body)),
          ...(conditionalCreate
            ? [await settled(client.put(env.key('here/other'), body, { condition: { ifAbsent: true } }))]
            : []),
          ...(conditionalReplace ? [await settled(client.put(key, body, { condition: { ifVersion: version } }))] : []),
          await settled(client.setMetadata(key, metadataOf('changed'))),
          await settled(client.delete(key)),
        ];
        const changed = await changes();
        expect(changed.length === 0, `Elsewhere, ${changed.join(', ')}.`);
        for (const outcome of tried) if (!outcome.ok) expectStorageError('An operation', outcome.error);
        const rows = await client.keys(env.prefix);
        expect(rows.includes(env.key('beside')), 'The entries beside are not listed any more.');
      });
    },
  },
  {
    requirement: 'errors.outlives-its-sweeping',
    title: 'puts under way and puts that follow, when what was unfinished is swept away',
    async run(env) {
      mishap(env.subject, 'sweep');
      await missesAreMisses(env);
      await apart(env, async (client, sabotage) => {
        const sweep = mishap({ adapter: client.adapter, sabotage }, 'sweep');
        const old = env.random.bytes(1_000);
        const { conditionalCreate, conditionalReplace } = client.capabilities;
        // Whether or not the storage was used again before the write under way goes on.
        for (const again of [false, true]) {
          const puts: [string, GatedBody, ReturnType<typeof settled>, Uint8Array | undefined][] = [];
          const begin = async (name: string, condition?: 'ifAbsent' | 'ifVersion') => {
            const key = env.key(`s/${again}/${name}`);
            const version: Version | undefined =
              condition === 'ifAbsent' ? undefined : await client.given(key, old, METADATA);
            const body = gatedBody(new Uint8Array(150_000).fill(7), 65_536);
            const given = condition === 'ifAbsent' ? { ifAbsent: true as const } : version && { ifVersion: version };
            const put = settled(client.put(key, body, condition && given ? { condition: given } : {}));
            await Promise.race([body.reached, put]);
            puts.push([key, body, put, version && old]);
          };
          await begin('plain');
          if (conditionalCreate) await begin('new', 'ifAbsent');
          if (conditionalReplace) await begin('same', 'ifVersion');
          await env.supposed('it can be swept', () => sweep());
          const next = env.key(`s/${again}/next`);
          if (again) await client.put(next, old);
          for (const [key, body, put, before] of puts) {
            body.release();
            const outcome = await put;
            const seen = await client.read(key as typeof next);
            if (outcome.ok) {
              const problem = difference(seen, { bytes: new Uint8Array(150_000).fill(7) });
              expect(problem === undefined, `A put that resolved although it was swept away: ${problem}.`);
              continue;
            }
            expectStorageError('A put that was swept away', outcome.error);
            const problem = before ? difference(seen, { bytes: before }) : seen && 'there is an entry';
            expect(problem === undefined, `A put that was swept away rejected, and ${problem}.`);
          }
          if (!again) await env.supposed('it can be swept', () => sweep());
          const removing = await settled(client.delete(env.key(`s/${again}/plain`)));
          if (!removing.ok) expectStorageError('A delete after it was swept', removing.error);
          for (const [what, body] of [
            ['bytes', bytesBody(old)],
            ['a stream', streamBody([old])],
          ] as const) {
            const put = await settled(client.put(next, body));
            expect(put.ok, `A put of ${what} after the sweep did not work: ${put.ok ? '' : String(put.error)}`);
            await client.expectEntry(next, { bytes: old }, 'after the sweep');
          }
          const set = await settled(client.setMetadata(next, METADATA));
          expect(set.ok, 'setMetadata after the sweep did not work.');
          await client.delete(next);
          await client.expectMissing(next, 'after the sweep and a delete');
        }
      });
    },
  },
];
