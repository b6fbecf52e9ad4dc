import { MAX_KEY_BYTES } from '@tintype/core';
import { forEachLimited, settled } from '../../engine/waiting.ts';
import type { StorageClient } from '../client.ts';
import type { StorageEnv, StorageTest } from '../env.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789._-';

/** Each name is an entry of its own: all are put, then all are read, then one is deleted. */
async function areDistinct(env: StorageEnv, names: readonly string[]): Promise<void> {
  const unique = [...new Set(names)];
  const bodies = unique.map((name) => new TextEncoder().encode(`body of ${name}`));
  await forEachLimited(unique, 16, async (name, i) => {
    await env.put(env.key(name), bodies[i] ?? new Uint8Array(0));
  });
  await forEachLimited(unique, 16, async (name, i) => {
    await env.expectEntry(env.key(name), { bytes: bodies[i] }, `among ${unique.length} keys`);
  });
}

export const keysTests: readonly StorageTest[] = [
  {
    requirement: 'keys.alphabet',
    title: 'every character at the start, in the middle and at the end of a segment',
    async run(env) {
      const names = [...ALPHABET].flatMap((char) => [
        `s/${char}x`,
        `m/a${char}b`,
        ...(char === '.' ? [] : [`e/x${char}`, `one/${char}`, `dir${char}/x`]),
      ]);
      await areDistinct(env, names);
    },
  },
  {
    requirement: 'keys.longest',
    title: 'keys of 512 bytes, in one segment and in many',
    async run(env) {
      const room = MAX_KEY_BYTES - env.prefix.length - (env.subject.prefixBytes ?? 0);
      const segment = 'x'.repeat(room);
      const deep = 'd/'.repeat(room).slice(0, room - 1);
      await areDistinct(env, [
        segment,
        `${segment.slice(0, -1)}y`,
        segment.slice(0, -1),
        segment.slice(0, 255),
        segment.slice(0, 256),
        segment.slice(0, 254),
        `${deep}e`,
        `${deep}f`,
        `y/${'z'.repeat(room - 2)}`,
        `${'y'.repeat(room - 2)}/z`,
      ]);
    },
  },
  {
    requirement: 'keys.longest',
    title: 'keys of 512 bytes that differ in one byte, wherever it is',
    async run(env) {
      const room = MAX_KEY_BYTES - env.prefix.length - (env.subject.prefixBytes ?? 0);
      const places = [0, 1, 63, 64, 127, 128, 129, 200, 254, 255, 256, 257, 383, 384, 385, room - 2, room - 1];
      const differing = places
        .filter((place) => place < room)
        .map((place) => `${'x'.repeat(place)}y${'x'.repeat(room - place - 1)}`);
      await areDistinct(env, ['x'.repeat(room), ...differing]);
      await env.expectKeys(env.prefix, ['x'.repeat(room), ...differing].map((name) => env.key(name)).sort());
    },
  },
  {
    requirement: 'keys.key-beside-its-extension',
    title: 'k and k/x in both orders, also deep',
    async run(env) {
      await areDistinct(env, ['first', 'first/then', 'first/then/deep']);
      await areDistinct(env, ['other/then/deep', 'other/then', 'other']);
    },
  },
  {
    requirement: 'keys.nearly-equal',
    title: 'one character, or the place of a slash, makes another key',
    async run(env) {
      await areDistinct(env, [
        'ab/c',
        'a/bc',
        'abc',
        'a/b/c',
        'ab.c',
        'ab-c',
        'ab_c',
        'a.bc',
        'a-b/c',
        'a_b/c',
        'a.b/c',
      ]);
      await areDistinct(env, [
        'l1',
        'll',
        'o0',
        '00',
        'i1',
        '1i',
        'a1',
        'a01',
        'a001',
        'a--b',
        'a-b',
        'a..b',
        'a.b',
        'a__b',
      ]);
      await areDistinct(env, ['x/index', 'x/index.html', 'x/index.html.gz', 'x', 'x/x', 'x/x/x', '-x', '_x', '.x']);
    },
  },
  {
    requirement: 'keys.look-like-something-else',
    title: 'hidden files, devices, options, temporary and metadata files',
    async run(env) {
      await areDistinct(env, [
        '.hidden',
        '..a',
        '...a',
        'a/.tmp',
        'a/.meta',
        'a/.tintype',
        'a.tmp',
        'a.lock',
        'a.part',
        'a.json',
        'a.meta',
        'tmp/a',
        '.tmp/a',
        'con',
        'nul',
        'aux.png',
        'com1',
        '-rf',
        '--help',
        '_',
        '__proto__',
        'constructor',
        'tostring',
        '0',
        '00',
        '1e3',
        'null',
        'undefined',
        'lost-found',
        '.git/config',
        'a.ds_store',
        '.well-known/x',
        'data',
        'index',
        'meta',
        'entries',
      ]);
    },
  },
  {
    requirement: 'keys.operator-prefix-is-not-folded',
    title: 'an entry below Ab/ is not one below ab/',
    async run(env) {
      const clients: StorageClient[] = [];
      for (const name of ['Ab', 'ab', 'AB']) clients.push(await env.open(env.prefixed(`${env.prefix}${name}/`)));
      const key = env.key('same');
      const bodies = clients.map((_, i) => new Uint8Array(10 + i).fill(i));
      const outcome = await settled(async () => {
        for (const [i, client] of clients.entries()) {
          await client.put(key, bodies[i] ?? new Uint8Array(0));
        }
        for (const [i, client] of clients.entries()) {
          await client.expectEntry(key, { bytes: bodies[i] }, 'below its own operator prefix');
          await client.expectKeys(env.prefix, [key]);
        }
      });
      for (const client of clients) await settled(client.delete(key));
      if (!outcome.ok) throw outcome.error;
    },
  },
];
