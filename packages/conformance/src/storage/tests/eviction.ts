import { collect, type ListedEntry, MAX_KEY_BYTES, type StorageUsage, storageKey } from '@tintype/core';
import { Inconclusive, NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { Patience } from '../../engine/patience.ts';
import { pause, settled } from '../../engine/waiting.ts';
import { bytesBody, pieces, streamBody } from '../bodies.ts';
import { hasCode, metadataOf, type StorageClient } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';
import { TracedAdapter } from '../traced-adapter.ts';

/** The limit that is asked for, in bytes: small, so that it is passed quickly. */
const LIMIT = 4 * 1024 * 1024;
/** Less than metadata alone may take elsewhere. */
const SMALL_LIMIT = 32 * 1024;
const ENTRY = 100_000;
/** How long a storage may be above its limit after the last put, in milliseconds. */
const PATIENCE_MS = 60_000;

async function capped(
  env: StorageEnv,
  test: (client: StorageClient) => Promise<void>,
  limit: number = LIMIT,
): Promise<void> {
  const subject = await env.supposed('a storage with a limit can be made', async () => env.subject.capped?.(limit));
  if (subject === undefined) throw new Inconclusive('The harness made no storage with a limit.');
  try {
    const client = await env.supposed('a storage with a limit opens', () => env.open(subject.adapter));
    await test(client);
    await env.close(client);
    await env.noteLeft(subject);
  } finally {
    await env.closeRest();
    await settled(async () => subject.dispose?.());
  }
}

/** A body that says which put it is of. */
function bodyOf(put: number, size: number = ENTRY): Uint8Array {
  const words = new Uint32Array(size / 4).fill(put);
  return new Uint8Array(words.buffer);
}

/** One that cannot make room as fast as it is filled may say so, and is given time. */
async function put(
  client: StorageClient,
  env: StorageEnv,
  name: string,
  number: number,
  size: number = ENTRY,
): Promise<void> {
  const bytes = bodyOf(number, size);
  const patience = patienceOf(env);
  for (;;) {
    const body = number % 2 === 0 ? bytesBody(bytes) : streamBody(pieces(bytes), { size: bytes.length });
    const outcome = await settled(client.put(env.key(name), body, { metadata: metadataOf(String(number)) }));
    if (outcome.ok) return;
    if (!hasCode(outcome.error, 'no-space', 'rate-limited') || patience.isOver) throw outcome.error;
    await pause(20);
  }
}

function patienceOf(env: StorageEnv): Patience {
  return new Patience(Math.min(PATIENCE_MS, 2 * env.operationTimeoutMs));
}

/** What is wrong with a hit, or `undefined`; a miss is fine. */
async function wrongAt(client: StorageClient, env: StorageEnv, name: string): Promise<string | undefined> {
  const outcome = await client.limited('get', client.adapter.get(env.key(name), undefined, client.context()));
  if (outcome?.kind !== 'entry') return undefined;
  const bytes = await collect(outcome.body.stream());
  const number = Number(/tag=(\d+)/.exec(outcome.metadata.encoded)?.[1] ?? Number.NaN);
  if (Buffer.compare(bytes, bodyOf(number)) === 0) return undefined;
  return `${bytes.length} bytes that are not those of put ${number}, whose metadata it has`;
}

/** What is wrong with the books of a storage in which `count` entries were put and `rows` are left. */
function wrongBooks(usage: StorageUsage, count: number, rows: readonly ListedEntry[]): string | undefined {
  const said = `With ${count} entries put and ${rows.length} listed, usage says ${JSON.stringify(usage)}`;
  const { bytes, entries, evicted } = usage;
  const listed = rows.reduce((sum, row) => sum + row.size, 0);
  if (bytes === undefined && entries === undefined && evicted === undefined) return `${said}: nothing.`;
  if (bytes !== undefined && !(bytes >= listed)) return `${said}; the bodies alone are ${listed} bytes.`;
  if (bytes !== undefined && bytes > 2 * LIMIT) return `${said}; that is twice the limit.`;
  if (entries !== undefined && entries !== rows.length) return `${said}: other entries are listed.`;
  if (evicted !== undefined && evicted !== count - rows.length) return `${said}: ${count - rows.length} are gone.`;
  return undefined;
}

export const evictionTests: readonly StorageTest[] = [
  {
    requirement: 'eviction.is-declared',
    title: 'a storage with a limit declares that it evicts',
    run: (env) =>
      capped(env, async ({ capabilities }) => expect(capabilities.evicts, 'It has a limit and declares no `evicts`.')),
  },
  {
    requirement: 'eviction.stays-within-its-limit',
    title: 'three times the limit, put one after another',
    timeoutMs: 120_000,
    run: (env) =>
      capped(env, async (client) => {
        const count = Math.ceil((3 * LIMIT) / ENTRY);
        for (let i = 0; i < count; i++) await put(client, env, `e/${i}`, i);
        const patience = patienceOf(env);
        for (;;) {
          const rows = await client.list(env.prefix);
          const total = rows.reduce((sum, row) => sum + row.size, 0);
          expect(rows.length > 0, 'Everything is gone.');
          if (total <= LIMIT) break;
          if (patience.isOver) throw new RequirementBroken(`${total} bytes are listed, ${LIMIT} are the limit.`);
          await pause(20);
          // It may need another write to notice.
          await put(client, env, 'e/small', 0, 100);
        }
      }),
  },
  {
    requirement: 'eviction.stays-within-its-limit',
    title: 'one key put over and over, three times the limit altogether',
    timeoutMs: 120_000,
    run: (env) =>
      capped(env, async (client) => {
        const count = Math.ceil((3 * LIMIT) / ENTRY);
        for (let i = 0; i < count; i++) await put(client, env, 'o/same', i);
        // What was replaced takes no room any more: a little more fits.
        for (let i = 0; i < 3; i++) await put(client, env, `o/${i}`, i);
        const rows = await client.list(env.prefix);
        expect(rows.length > 0, 'Everything is gone, though four entries were put and the limit is far.');
      }),
  },
  {
    requirement: 'eviction.the-largest-fits',
    title: 'a body as large as the limit lets it be, whole and streamed',
    timeoutMs: 120_000,
    async run(env) {
      for (const limit of [LIMIT, SMALL_LIMIT]) {
        const theLargest = async (client: StorageClient) => {
          const { maxObjectBytes, maxMetadataBytes } = client.capabilities;
          expect(maxObjectBytes > 0, `With a limit of ${limit} bytes, no body may have a byte.`);
          expect(
            maxObjectBytes <= 2 * limit,
            `With a limit of ${limit} bytes, bodies of ${maxObjectBytes} bytes are declared.`,
          );
          const room = MAX_KEY_BYTES - (env.subject.prefixBytes ?? 0);
          const key = storageKey(env.prefix.padEnd(room, 'k'));
          const metadata = { ...metadataOf(''), encoded: 'm'.repeat(maxMetadataBytes) };
          const largest = new Uint8Array(maxObjectBytes).fill(1);
          for (const body of [bytesBody(largest), streamBody(pieces(largest))]) {
            const taken = await settled(client.put(key, body, { metadata }));
            expect(
              taken.ok,
              `With a limit of ${limit} bytes, a body of ${maxObjectBytes} bytes was refused, as it is declared.`,
            );
          }
        };
        await capped(env, theLargest, limit);
      }
    },
  },
  {
    requirement: 'eviction.larger-is-refused',
    title: 'one byte more than may ever fit, whole, streamed with its length and without',
    run: (env) =>
      capped(
        env,
        async (client) => {
          const { maxObjectBytes } = client.capabilities;
          await client.put(env.key('larger/other'), new Uint8Array(100));
          // Between the two it may fit, with a short key and little metadata.
          const larger = new Uint8Array(Math.max(maxObjectBytes, SMALL_LIMIT) + 1).fill(1);
          const bodies = [
            bytesBody(larger),
            streamBody(pieces(larger), { size: larger.length }),
            streamBody(pieces(larger)),
          ];
          for (const [i, body] of bodies.entries()) {
            const outcome = await settled(client.put(env.key('larger/new'), body));
            expect(!outcome.ok, `A body of ${larger.length} bytes was taken; the limit is ${SMALL_LIMIT}.`);
            const code = hasCode(outcome.error, 'too-large');
            expect(code, `Body ${i} was rejected with ${String(outcome.error)} instead of too-large.`);
            await client.expectMissing(env.key('larger/new'), 'after it was refused');
            await client.expectEntry(
              env.key('larger/other'),
              { bytes: new Uint8Array(100) },
              'after another was refused',
            );
          }
        },
        SMALL_LIMIT,
      ),
  },
  {
    requirement: 'eviction.usage-is-told',
    title: 'what is held and what was removed, after twice the limit',
    timeoutMs: 120_000,
    run: (env) =>
      capped(env, async (client) => {
        const adapter = client.adapter instanceof TracedAdapter ? client.adapter.inner : client.adapter;
        if (adapter.usage === undefined) throw new NotApplicable('does not apply: it has no `usage`');
        const before = adapter.usage();
        expect((before.evicted ?? 0) === 0, `Before anything was put, usage says ${JSON.stringify(before)}.`);
        let count = Math.ceil((2 * LIMIT) / ENTRY);
        for (let i = 0; i < count; i++) await put(client, env, `u/${i}`, i);
        const patience = patienceOf(env);
        for (let looks = 1; ; looks++) {
          const rows = await client.list(env.prefix);
          const problem = wrongBooks(adapter.usage(), count, rows);
          const isFull = rows.reduce((sum, row) => sum + row.size, 0) > LIMIT;
          if (!isFull && problem === undefined) break;
          // It may be removing entries just now.
          if (patience.isOver) {
            throw isFull ? new Inconclusive('The limit is not kept.') : new RequirementBroken(problem ?? '');
          }
          await pause(20);
          // It may need another write to notice.
          if (looks % 10 === 0) await put(client, env, `u/${count}`, count++, 100);
        }
      }),
  },
  {
    requirement: 'eviction.is-never-wrong',
    title: 'writers and readers above the limit',
    timeoutMs: 120_000,
    run: (env) =>
      capped(env, async (client) => {
        const names = Array.from({ length: 60 }, (_, i) => `w/${i}`);
        let number = 0;
        const rounds = env.times(80, 30);
        const writer = async () => {
          for (let i = 0; i < rounds; i++) await put(client, env, env.random.pick(names), number++);
        };
        const reader = async () => {
          for (let i = 0; i < rounds * 2; i++) {
            const name = env.random.pick(names);
            const problem = await wrongAt(client, env, name);
            expect(problem === undefined, `While entries were forgotten, ${name} gave ${problem}.`);
          }
        };
        await Promise.all([writer(), writer(), writer(), reader(), reader(), reader()]);
        for (const name of names) {
          const problem = await wrongAt(client, env, name);
          expect(problem === undefined, `Afterwards ${name} gives ${problem}.`);
        }
      }),
  },
  {
    requirement: 'eviction.takes-what-is-new',
    title: 'each of many entries is there once it was put',
    timeoutMs: 120_000,
    run: (env) =>
      capped(env, async (client) => {
        for (let i = 0; i < Math.ceil((2 * LIMIT) / ENTRY); i++) {
          await put(client, env, `n/${i}`, i);
          const seen = await client.stat(env.key(`n/${i}`));
          expect(seen !== undefined, `Put ${i} had resolved and is a miss.`);
        }
      }),
  },
];
