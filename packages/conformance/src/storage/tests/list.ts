import { storageKey } from '@tintype/core';
import { RequirementBroken } from '../../engine/outcome.ts';
import { forEachLimited, settled, turn } from '../../engine/waiting.ts';
import { CHUNK, gatedBody, pieces, streamBody } from '../bodies.ts';
import { keysDiffer } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';
import { mishap } from './mishaps.ts';

const ONE_BYTE = new Uint8Array([7]);

/** Puts an entry under each name, below the test's prefix. @returns the keys in byte order. */
async function putAll(env: StorageEnv, names: readonly string[]): Promise<string[]> {
  const keys = names.map((name) => env.key(name));
  await env.supposed(`${names.length} entries can be put`, () =>
    forEachLimited(keys, 32, async (key) => void (await env.put(key, ONE_BYTE))),
  );
  // Keys are ASCII: JavaScript's order of code units is byte order.
  return keys.sort();
}

/** Puts entries whose segments are longer than file names, or than half of one, may be. @returns the keys in byte order. */
function putLong(env: StorageEnv): Promise<string[]> {
  const lengths = [100, 127, 128, 129, 130, 254, 255, 256, 257, 260];
  const names = lengths.flatMap((length) => {
    const long = 'm'.repeat(length);
    return [long, `${long}/n`, `${long}.n`, `${long.slice(0, -1)}n`];
  });
  return putAll(
    env,
    ['a', 'm', 'm/m', 'z', ...names].map((name) => `long/${name}`),
  );
}

/** Where such a segment is cut off: at its end, and within. */
function longStarts(env: StorageEnv): readonly string[] {
  return [100, 128, 200, 256, 258].map((length) => `${env.prefix}long/${'m'.repeat(length)}`);
}

export const listTests: readonly StorageTest[] = [
  {
    requirement: 'list.is-complete',
    title: 'all keys below a prefix at any depth, and only those',
    async run(env) {
      const inside = ['in/a', 'in/b', 'in/c/d', 'in/c/e/f', 'in/c/e/g/h/i', 'in/z', 'in/.hidden', 'in/x.tmp'];
      await putAll(env, ['in', 'inn', 'im', 'io', 'out/a', ...inside]);
      await env.expectKeys(env.key('in/a').slice(0, -1), inside.map((name) => env.key(name)).sort());
    },
  },
  {
    requirement: 'list.many-keys',
    title: 'more keys than fit into a page of 1,000, in one listing and continued from the middle',
    timeoutMs: 300_000,
    async run(env) {
      const width = 13;
      // Two pages at least; a third shows more, but takes a slow server a minute to fill.
      const count = Math.min(2_500, env.times(2_500, 1_100));
      const names = Array.from({ length: count }, (_, i) => {
        const digest = Math.imul(i + 1, 0x9e3779b1) >>> 0;
        return `many/${digest.toString(36).padStart(7, '0')}${i % width === 0 ? '/leaf' : ''}`;
      });
      const keys = await putAll(env, names);
      await env.expectKeys(`${env.prefix}many/`, keys);
      const half = Math.floor(count / 2);
      const middle = keys[half];
      if (middle === undefined) throw new RequirementBroken('unreachable');
      await env.expectKeys(`${env.prefix}many/`, keys.slice(half + 1), env.key(middle.slice(env.prefix.length)));
    },
  },
  {
    requirement: 'list.byte-order',
    title: 'punctuation sorts by its byte, not by folders',
    async run(env) {
      const names = [
        'a',
        'a-',
        'a-b',
        'a.b',
        'a/x',
        'a/x/y',
        'a/x-y',
        'a/x.y',
        'a0',
        'a0/x',
        'a_',
        'aa',
        'b',
        '-',
        '0',
        '_',
      ];
      const keys = await putAll(env, env.random.shuffle(names.map((name) => `o/${name}`)));
      await env.expectKeys(`${env.prefix}o/`, keys);
    },
  },
  {
    requirement: 'list.any-prefix',
    title: 'a prefix within a segment, a whole key, and characters that are patterns elsewhere',
    async run(env) {
      const keys = await putAll(env, ['abc', 'abc/d', 'abcd', 'abd', 'a.c', 'a-c', 'a_c', 'x/abc', 'ab/c']);
      for (const name of ['a', 'ab', 'abc', 'abc/', 'a.', 'a.c', 'a_', 'x', 'x/a', 'ab/']) {
        const prefix = env.prefix + name;
        await env.expectKeys(
          prefix,
          keys.filter((key) => key.startsWith(prefix)),
        );
      }
    },
  },
  {
    requirement: 'list.empty-prefix',
    title: 'the empty prefix shows our keys among all',
    async run(env) {
      const keys = await putAll(env, ['e/1', 'e/2', 'e/3/4']);
      // Begins right before ours, so that a shared bucket isn't read from its start.
      const before = env.key('e/0');
      await env.eventually(async () => {
        const listed: string[] = [];
        for await (const row of env.adapter.list('', before, env.context())) {
          if (!row.key.startsWith(env.prefix)) break;
          listed.push(row.key);
        }
        return keysDiffer(listed, keys, '');
      }, env.listSettleMs);
    },
  },
  {
    requirement: 'list.byte-order',
    title: 'segments of 100 to 260 characters sort among short ones, also continued',
    async run(env) {
      const keys = await putLong(env);
      await env.expectKeys(`${env.prefix}long/`, keys);
    },
  },
  {
    requirement: 'list.any-prefix',
    title: 'a prefix of 100 to 258 characters within a segment',
    async run(env) {
      const keys = await putLong(env);
      for (const start of longStarts(env)) {
        const below = keys.filter((key) => key.startsWith(start));
        await env.expectKeys(start, below);
      }
    },
  },
  {
    requirement: 'list.after-is-exclusive',
    title: 'after 100 to 258 characters of a segment, whether or not it ends there',
    async run(env) {
      const keys = await putLong(env);
      for (const start of longStarts(env)) {
        const rest = keys.filter((key) => key > start);
        await env.expectKeys(`${env.prefix}long/`, rest, storageKey(start));
      }
    },
  },
  {
    requirement: 'list.after-is-exclusive',
    title: 'after a key that exists, that does not, before the first and past the last',
    async run(env) {
      const keys = await putAll(env, ['p/b', 'p/d', 'p/d/e', 'p/f']);
      for (const name of ['p/b', 'p/c', 'p/d', 'p/d/e', 'p/a', 'p/f', 'p/z', 'o', 'q']) {
        const after = env.key(name);
        await env.expectKeys(
          `${env.prefix}p/`,
          keys.filter((key) => key > after),
          after,
        );
      }
    },
  },
  {
    requirement: 'list.nothing',
    title: 'nothing below a prefix is an empty listing',
    async run(env) {
      await env.expectKeys(`${env.prefix}nothing/`, []);
      await env.expectKeys(`${env.prefix}noth`, []);
      await env.expectKeys(`${env.prefix}nothing/at/all`, [], env.key('nothing/at/al'));
    },
  },
  {
    requirement: 'list.describes-entries',
    title: 'size and version of each row are the entry’s',
    async run(env) {
      const sizes = [0, 1, 1000, 100_000];
      const versions = new Map<string, string>();
      for (const size of sizes)
        versions.set(env.key(`d/${size}`), await env.given(env.key(`d/${size}`), env.random.bytes(size)));
      await env.eventually(async () => {
        const rows = await env.list(`${env.prefix}d/`);
        for (const row of rows) {
          const size = Number(row.key.split('/').at(-1));
          if (row.size !== size) return `The row of an entry of ${size} bytes says ${row.size}.`;
          if (row.version !== undefined && row.version !== versions.get(row.key)) {
            return `The row says version ${row.version}, the entry has ${versions.get(row.key)}.`;
          }
        }
        return undefined;
      }, env.listSettleMs);
    },
  },
  {
    requirement: 'list.modified-at',
    title: 'modifiedAt is now, in milliseconds',
    async run(env) {
      const key = env.key('when');
      await env.given(key, ONE_BYTE);
      await env.eventually(async () => {
        const row = (await env.list(key)).find((each) => each.key === key);
        const off = Math.abs((row?.modifiedAt ?? 0) - Date.now());
        return off < 15 * 60_000 ? undefined : `modifiedAt is ${row?.modifiedAt}, our clock says ${Date.now()}.`;
      }, env.listSettleMs);
    },
  },
  {
    requirement: 'list.hides-the-unfinished',
    title: 'nothing shows of a put that is half-way, has failed, or overwrites',
    async run(env) {
      const old = env.key('old');
      await env.supposed('an entry can be put', () => env.put(old, ONE_BYTE));
      const bytes = env.random.bytes(3 * CHUNK);
      const creating = gatedBody(bytes, 2 * CHUNK);
      const overwriting = gatedBody(bytes, CHUNK);
      const puts = [settled(env.put(env.key('new'), creating)), settled(env.put(old, overwriting))];
      await env.limited('Two puts', Promise.race([Promise.all([creating.reached, overwriting.reached]), ...puts]));
      const during = await settled(env.keys(env.prefix));
      creating.fail(new Error('the source broke'));
      overwriting.release();
      await Promise.all(puts);
      await settled(env.put(env.key('failed'), streamBody(pieces(bytes), { failure: new Error('broke at its end') })));
      if (!during.ok) throw during.error;
      // Whether the old entry stays is the business of others; here it counts what shows besides.
      const foreign = (listed: readonly string[]) => listed.filter((key) => key !== old);
      expect(foreign(during.value).length === 0, `While puts were half-way, list showed ${foreign(during.value)[0]}.`);
      await env.eventually(async () => {
        const after = foreign(await env.keys(env.prefix));
        return after.length === 0 ? undefined : `After a failed put, list shows ${after[0]}.`;
      }, env.listSettleMs);
    },
  },
  {
    requirement: 'list.while-changing',
    title: 'stable keys show once while others come and go',
    async run(env) {
      const stable = Array.from({ length: 300 }, (_, i) => `c/${String(i).padStart(4, '0')}`);
      const keys = await putAll(env, stable);
      let listing = true;
      const changing = settled(async () => {
        for (let i = 0; listing; i++) {
          const key = env.key(`${stable[(i * 37) % 300]}-extra`);
          await env.put(key, ONE_BYTE);
          await turn();
          await env.delete(key);
        }
      });
      const problems: (string | undefined)[] = [];
      const outcome = await settled(async () => {
        for (let i = 0; i < env.times(5, 2); i++) {
          const listed = (await env.keys(`${env.prefix}c/`)).filter((key) => !key.endsWith('-extra'));
          problems.push(keysDiffer(listed, keys, `${env.prefix}c/`));
        }
      });
      listing = false;
      await changing;
      if (!outcome.ok) throw outcome.error;
      // Eventual listings may be late, but only for a while.
      if (env.listSettleMs > 0) return env.expectKeys(`${env.prefix}c/`, keys);
      const problem = problems.find((each) => each !== undefined);
      expect(problem === undefined, `While other keys came and went, ${problem}`);
    },
  },
  {
    requirement: 'list.while-changing',
    title: 'entries that go while a reader pauses in the middle of a listing',
    async run(env) {
      const names = Array.from({ length: 40 }, (_, i) => `g/${String(i).padStart(2, '0')}`);
      const keys = await putAll(env, names);
      const prefix = `${env.prefix}g/`;
      const goes = (index: number) => index % 2 === 1;
      const listed: string[] = [];
      for await (const row of env.adapter.list(prefix, undefined, env.context())) {
        // Nothing says how far ahead the storage has read: what goes may show, but never in the way.
        if (listed.length === 0) {
          for (const [index, key] of keys.entries()) if (goes(index)) await env.delete(storageKey(key));
        }
        listed.push(row.key);
      }
      const stay = keys.filter((_, index) => !goes(index));
      if (env.listSettleMs === 0) {
        const gone = new Set(keys.filter((_, index) => goes(index)));
        const problem = keysDiffer(
          listed.filter((key) => !gone.has(key)),
          stay,
          prefix,
        );
        expect(problem === undefined, `While other entries were deleted, ${problem}`);
      }
      await env.expectKeys(prefix, stay);
    },
  },
  {
    requirement: 'list.passes-over-strangers',
    title: 'things beside an entry that are none',
    async run(env) {
      const strangers = mishap(env.subject, 'strangers');
      const keys = await putAll(env, ['s/a', 's/b', 's/b/c', 's/d']);
      await env.supposed('a listing is right without strangers', () => env.expectKeys(`${env.prefix}s/`, keys));
      await env.supposed('strangers can be put beside it', () => strangers(env.key('s/b')));
      const outcome = await settled(env.expectKeys(`${env.prefix}s/`, keys));
      await env.subject.sabotage?.undo?.();
      if (outcome.ok) return;
      const { error } = outcome;
      throw new RequirementBroken(`Beside strangers, ${error instanceof Error ? error.message : String(error)}`);
    },
  },
  {
    requirement: 'list.may-be-left-early',
    title: 'a listing left after one row, two side by side, and another one',
    async run(env) {
      const keys = await putAll(
        env,
        Array.from({ length: 50 }, (_, i) => `l/${String(i).padStart(2, '0')}`),
      );
      const prefix = `${env.prefix}l/`;
      for (let i = 0; i < 5; i++) {
        for await (const _ of env.adapter.list(prefix, undefined, env.context())) break;
      }
      const one = env.adapter.list(prefix, undefined, env.context())[Symbol.asyncIterator]();
      const two = env.adapter.list(prefix, undefined, env.context())[Symbol.asyncIterator]();
      const seen: [string[], string[]] = [[], []];
      for (let i = 0; i < keys.length; i++) {
        for (const [index, iterator] of [one, two].entries()) {
          const step = await env.limited('list', iterator.next());
          if (!step.done) seen[index === 0 ? 0 : 1].push(step.value.key);
        }
      }
      await Promise.all([one.return?.(), two.return?.()]);
      if (env.listSettleMs === 0) {
        for (const listed of seen) {
          const problem = keysDiffer(listed, keys, prefix);
          expect(problem === undefined, `Of two listings side by side, one: ${problem}`);
        }
      }
      await env.expectKeys(prefix, keys);
    },
  },
];
