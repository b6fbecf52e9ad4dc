import type { StoredMetadata } from '@tintype/core';
import { pause, settled } from '../../engine/waiting.ts';
import { difference, hasCode, metadataOf, shown } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

/** `0x21` to `0x7e`: every character that encoded metadata may hold. */
const ALPHABET = String.fromCharCode(...Array.from({ length: 0x7f - 0x21 }, (_, index) => 0x21 + index));

function encoded(text: string): StoredMetadata {
  return { encoded: text, contentType: 'image/png' };
}

/** Random text of the alphabet. */
function textOf(env: StorageEnv, length: number): string {
  return Array.from({ length }, () => ALPHABET[env.random.below(ALPHABET.length)]).join('');
}

/** Puts with this metadata and expects it back from get and stat. */
async function roundTrip(env: StorageEnv, name: string, text: string): Promise<void> {
  const key = env.key(name);
  const metadata = encoded(text);
  await env.put(key, new Uint8Array([1]), { metadata });
  await env.expectEntry(key, { metadata });
  await env.eventually(async () => {
    const stat = await env.stat(key);
    if (stat?.metadata.encoded === text) return undefined;
    return `stat shows the metadata ${shown(stat?.metadata.encoded ?? 'of no entry')} instead of ${shown(text)}.`;
  });
}

export const metadataTests: readonly StorageTest[] = [
  {
    requirement: 'metadata.to-the-letter',
    title: 'every printable character, alone and among others',
    async run(env) {
      await roundTrip(env, 'alphabet', ALPHABET);
      await roundTrip(env, 'reversed', [...ALPHABET].reverse().join(''));
      const cases = [
        'UPPER-lower-MiXeD',
        '"quoted"',
        "'single'",
        '%41%zz%',
        'a=b&c=d;e=f,g=h',
        '{"json":[1,2]}',
        '<a>&amp;</a>',
        '\\u0041\\n\\\\',
        '=?utf-8?B?QQ==?=',
        '+a+b',
        'a:b:c',
        ';',
        ',',
        '-',
        '0',
        'null',
        'zzz.aaa.mmm',
      ];
      for (const [index, text] of cases.entries()) await roundTrip(env, `case/${index}`, text);
      for (let i = 0; i < env.times(10, 3); i++) {
        await roundTrip(env, `random/${i}`, textOf(env, 1 + env.random.below(600)));
      }
    },
  },
  {
    requirement: 'metadata.every-length',
    title: 'lengths around 128, 256, 512, 1,024 and the maximum',
    async run(env) {
      const max = env.capabilities.maxMetadataBytes;
      const lengths = [1, 2, 3, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1399, 1400];
      for (const length of [...lengths, max - 1, max].filter((length) => length <= max)) {
        await roundTrip(env, `length/${length}`, textOf(env, length));
      }
    },
  },
  {
    requirement: 'metadata.native-fields',
    title: 'Content-Type and Cache-Control come back',
    async run(env) {
      const key = env.key('native');
      const metadata = { ...metadataOf('native'), contentType: 'image/avif', cacheControl: 'public, max-age=600' };
      await env.put(key, new Uint8Array([1]), { metadata });
      const entry = await env.expectEntry(key, { metadata });
      expect(entry.metadata.contentType === 'image/avif', `contentType is ${entry.metadata.contentType}.`);
      expect(entry.metadata.cacheControl === metadata.cacheControl, `cacheControl is ${entry.metadata.cacheControl}.`);
    },
  },
  {
    requirement: 'metadata.put-replaces-all',
    title: 'an overwrite takes the old metadata away, its optional fields too',
    async run(env) {
      const key = env.key('replaced');
      const rich = { ...encoded(textOf(env, 900)), cacheControl: 'max-age=1', expiresAt: Date.now() + 3_600_000 };
      await env.given(key, new Uint8Array([1]), rich);
      const plain = encoded('plain');
      await env.put(key, new Uint8Array([1]), { metadata: plain });
      const entry = await env.expectEntry(key, { metadata: plain }, 'after an overwrite');
      expect(entry.metadata.cacheControl === undefined, 'The old Cache-Control stayed.');
    },
  },
  {
    requirement: 'metadata.set-replaces',
    title: 'get and stat show the new metadata, longer or shorter',
    async run(env) {
      const key = env.key('set');
      await env.given(key, env.random.bytes(1000));
      for (const length of [10, 1200, 5]) {
        const metadata = encoded(textOf(env, length));
        await env.setMetadata(key, metadata);
        await env.expectEntry(key, { metadata }, 'after setMetadata');
        await env.eventually(async () => {
          const stat = await env.stat(key);
          return stat?.metadata.encoded === metadata.encoded ? undefined : 'stat shows the old metadata.';
        });
      }
    },
  },
  {
    requirement: 'metadata.set-keeps-the-bytes',
    title: 'empty, small and large bodies stay through setMetadata',
    async run(env) {
      for (const size of [0, 1, 1000, 300_000]) {
        const key = env.key(`keeps/${size}`);
        const bytes = env.random.bytes(size);
        await env.given(key, bytes);
        await env.setMetadata(key, metadataOf('other'));
        const seen = await env.expectEntry(key, { bytes }, 'after setMetadata');
        expect(seen.size === size, `After setMetadata size is ${seen.size} instead of ${size}.`);
      }
    },
  },
  {
    requirement: 'metadata.set-gives-a-new-version',
    title: 'setMetadata changes the version, also with equal metadata',
    async run(env) {
      const key = env.key('set-version');
      const versions = [await env.given(key, env.random.bytes(10))];
      for (const tag of ['a', 'b', 'b']) {
        const version = await env.setMetadata(key, metadataOf(tag));
        expect(version !== undefined, 'setMetadata found no entry.');
        expect(!versions.includes(version), `setMetadata gave version ${version} again.`);
        versions.push(version);
      }
    },
  },
  {
    requirement: 'metadata.set-returns-the-version',
    title: 'the version that setMetadata returns is what get shows',
    async run(env) {
      const key = env.key('set-returns');
      await env.given(key, env.random.bytes(10));
      const version = await env.setMetadata(key, metadataOf('next'));
      expect(version !== undefined, 'setMetadata of an entry answered undefined.');
      await env.expectEntry(key, { version }, 'after setMetadata');
    },
  },
  {
    requirement: 'metadata.set-of-nothing',
    title: 'setMetadata of a missing key answers undefined',
    async run(env) {
      const outcome = await settled(env.setMetadata(env.key('nothing'), metadataOf('nothing')));
      expect(outcome.ok, `It rejected: ${outcome.ok ? '' : String(outcome.error)}`);
      expect(outcome.value === undefined, `It answered ${String(outcome.value)}.`);
    },
  },
  {
    requirement: 'metadata.set-never-creates',
    title: 'after setMetadata of a missing or deleted key there is no entry',
    async run(env) {
      const key = env.key('never');
      await settled(env.setMetadata(key, metadataOf('never')));
      await env.expectMissing(key, 'after setMetadata of nothing');
      const deleted = env.key('deleted');
      await env.given(deleted, env.random.bytes(10));
      await env.supposed('an entry can be deleted', async () => {
        await env.delete(deleted);
        await env.expectMissing(deleted);
      });
      await settled(env.setMetadata(deleted, metadataOf('never')));
      await env.expectMissing(deleted, 'after setMetadata of a deleted entry');
    },
  },
  {
    requirement: 'metadata.set-needs-no-version',
    title: 'setMetadata without a condition while puts come in',
    async run(env) {
      for (let i = 0; i < env.times(20, 8); i++) {
        const key = env.key(`unconditional/${i}`);
        await env.given(key, env.random.bytes(100));
        const puts = [1, 2].map((n) => settled(env.put(key, env.random.bytes(100 * n))));
        const sets = [1, 2, 3].map((n) => settled(env.setMetadata(key, metadataOf(`set-${n}`))));
        for (const outcome of await Promise.all(sets)) {
          const refused = !outcome.ok && hasCode(outcome.error, 'precondition-failed');
          expect(!refused, 'A setMetadata without a condition was refused because of one.');
        }
        await Promise.all(puts);
      }
    },
  },
  {
    requirement: 'metadata.set-current',
    title: 'setMetadata with the version at hand works',
    async run(env) {
      const key = env.key('current');
      const ifVersion = await env.given(key, env.random.bytes(10));
      const metadata = metadataOf('current');
      const version = await env.setMetadata(key, metadata, { ifVersion });
      expect(version !== undefined, 'setMetadata answered undefined.');
      await env.expectEntry(key, { metadata }, 'after a conditional setMetadata');
    },
  },
  {
    requirement: 'metadata.set-stale-is-refused',
    title: 'setMetadata with an older version changes nothing',
    async run(env) {
      const key = env.key('stale');
      const ifVersion = await env.given(key, env.random.bytes(10));
      const bytes = env.random.bytes(20);
      const metadata = metadataOf('newer');
      await env.given(key, bytes, metadata);
      const setting = () => env.setMetadata(key, metadataOf('stale'), { ifVersion });
      await env.expectRefusal('setMetadata with an older version', setting, 'precondition-failed', 'conflict');
      await env.expectEntry(key, { bytes, metadata }, 'after a refused setMetadata');
    },
  },
  {
    requirement: 'metadata.set-loses-to-a-put',
    title: 'refresh and put at the same moment leave the put’s entry',
    async run(env) {
      for (let i = 0; i < env.times(40, 10); i++) {
        const key = env.key(`race/${i}`);
        const ifVersion = await env.given(key, new Uint8Array(100).fill(1), metadataOf('old'));
        const bytes = new Uint8Array(120).fill(2);
        const metadata = metadataOf('put');
        const refresh = () => settled(env.setMetadata(key, metadataOf('refresh'), { ifVersion }));
        const early = i % 2 === 0 ? refresh() : undefined;
        const putting = settled(env.put(key, bytes, { metadata }));
        const late = i % 2 === 0 ? undefined : refresh();
        const put = await putting;
        await Promise.all([early, late]);
        if (!put.ok) continue;
        await env.expectEntry(key, { bytes, metadata }, 'after a refresh that raced a put');
      }
    },
  },
  {
    requirement: 'metadata.set-does-not-revive',
    title: 'refresh and delete at the same moment leave nothing',
    async run(env) {
      for (let i = 0; i < env.times(40, 10); i++) {
        const key = env.key(`revive/${i}`);
        const ifVersion = await env.given(key, env.random.bytes(100));
        const deleting = settled(env.delete(key));
        const setting = settled(env.setMetadata(key, metadataOf('refresh'), { ifVersion }));
        const deleted = await deleting;
        await setting;
        if (!deleted.ok) continue;
        await env.expectMissing(key, 'after a refresh that raced a delete');
      }
    },
  },
  {
    requirement: 'metadata.undeclared-condition-is-refused',
    title: 'setMetadata with a condition is unsupported where it isn’t declared',
    async run(env) {
      const key = env.key('undeclared');
      const bytes = env.random.bytes(10);
      const ifVersion = await env.given(key, bytes);
      const setting = () => env.setMetadata(key, metadataOf('x'), { ifVersion });
      await env.expectRefusal('setMetadata with a condition', setting, 'unsupported');
      const seen = difference(await env.read(key), { bytes, metadata: metadataOf('given') });
      expect(seen === undefined, `A refused setMetadata changed the entry: ${seen}.`);
    },
  },
  {
    requirement: 'metadata.expiry-removes',
    title: 'an entry goes soon after expiresAt, and not before',
    async run(env) {
      const brief = env.key('brief');
      const lasting = env.key('lasting');
      const bytes = env.random.bytes(10);
      const expiresAt = Date.now() + 300;
      await env.put(lasting, bytes, { metadata: { ...metadataOf('lasting'), expiresAt: Date.now() + 3_600_000 } });
      await env.put(brief, bytes, { metadata: { ...metadataOf('brief'), expiresAt } });
      await env.expectEntry(lasting, { bytes }, 'an hour before its expiry');
      await pause(Math.max(0, expiresAt + 20 - Date.now()));
      await env.eventually(
        async () => ((await env.read(brief)) === undefined ? undefined : 'An expired entry is still there.'),
        Math.max(2 * env.operationTimeoutMs, env.settleMs),
      );
      await env.expectEntry(lasting, { bytes }, 'an hour before its expiry');
    },
  },
  {
    requirement: 'metadata.expiry-undeclared-keeps',
    title: 'an entry past its time stays where expiry isn’t declared',
    async run(env) {
      const key = env.key('past');
      const bytes = env.random.bytes(10);
      await env.put(key, bytes, { metadata: { ...metadataOf('past'), expiresAt: Date.now() + 20 } });
      await pause(60);
      await env.expectEntry(key, { bytes }, 'after its expiresAt');
    },
  },
];
