import {
  type CacheStorage,
  createStorage,
  type EntryMetadata,
  encodeMetadata,
  type PutInput,
  StorageError,
  type StorageKey,
} from '@tintype/core';
import { describeError, NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { type Settled, settled } from '../../engine/waiting.ts';
import { pieces } from '../bodies.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';
import { type Interception, intercepted, opened } from '../intercepted.ts';

const NAME = 'under-test';
/** Waits that nobody notices. */
const RETRY = { attempts: 3, baseMs: 1, maxMs: 4 } as const;

/** All fields, with characters that neither header fields nor JSON take as they are. */
const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/avif',
  etag: '"Ab+/=%\\"',
  storedAt: 1_767_225_600_123,
  freshUntil: 4_102_444_800_000,
  cacheControl: 'public, max-age=60',
  source: 'https://example.com/Ünï/%20?a=1&b=“2”',
  sourceEtag: 'W/"weak"',
  sourceLastModified: 'Wed, 21 Oct 2026 07:28:00 GMT',
  width: 640,
  height: 480,
  tags: ['Tag', 'with space', 'ключ'],
  headers: [
    ['X-Thing', 'a  b'],
    ['x-thing', ''],
  ],
  policy: { nested: [1, null, 'x y'] },
};

/** The public side around the adapter, and every call that reaches the adapter. */
interface Public {
  readonly storage: CacheStorage;
  readonly calls: string[];
}

async function publicSide(
  env: StorageEnv,
  intercept: (call: Interception) => unknown = (call) => call.proceed(),
): Promise<Public> {
  const calls: string[] = [];
  const adapter = intercepted(opened(env.adapter), (call) => {
    calls.push(call.operation);
    return call.operation === 'open' ? call.proceed() : intercept(call);
  });
  const make = env.subject.publicSide ?? createStorage;
  const storage = make(adapter, { name: NAME, deadlineMs: env.operationTimeoutMs, retry: RETRY });
  await env.supposed('the public side opens', () => storage.open());
  calls.length = 0;
  return { storage, calls };
}

async function expectCode(what: string, operation: () => unknown, code: string): Promise<StorageError> {
  const outcome = await settled(async () => operation());
  if (outcome.ok) throw new RequirementBroken(`${what} was not refused.`);
  const { error } = outcome;
  if (!StorageError.is(error)) throw new RequirementBroken(`${what} rejected with ${describeError(error)}.`);
  expect(error.code === code, `${what} rejected with ${error.code} instead of ${code}.`);
  return error;
}

/** Every operation once, with `key` where it takes one. */
function operationsOn(storage: CacheStorage, key: string): readonly (readonly [string, () => unknown])[] {
  return [
    ['get', () => storage.get(key)],
    ['stat', () => storage.stat(key)],
    ['put', () => storage.put(key, new Uint8Array(3), METADATA)],
    ['setMetadata', () => storage.setMetadata(key, METADATA)],
    ['delete', () => storage.delete(key)],
  ];
}

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows) break;
}

async function* streamOf(bytes: Uint8Array, failure?: Error): AsyncGenerator<Uint8Array, void> {
  yield* pieces(bytes, 20_000);
  if (failure !== undefined) throw failure;
}

/** Lets the first put fail: before the adapter hears of it, or after it was applied. */
function losing(what: 'request' | 'answer'): (call: Interception) => unknown {
  let lost = false;
  return async (call) => {
    if (call.operation !== 'put' || lost) return call.proceed();
    lost = true;
    if (what === 'answer') await call.proceed();
    const applied = what === 'answer' ? 'unknown' : 'no';
    throw new StorageError({ code: 'unavailable', message: `The ${what} was lost.`, applied });
  };
}

async function expectBody(env: StorageEnv, key: StorageKey, bytes: Uint8Array, because: string): Promise<void> {
  await env.expectEntry(key, { bytes }, because);
}

export const publicTests: readonly StorageTest[] = [
  {
    requirement: 'public.metadata-round-trip',
    title: 'all fields of an entry’s metadata come back',
    async run(env) {
      const { storage } = await publicSide(env);
      const key = env.key('fields');
      const size = encodeMetadata(METADATA, Number.POSITIVE_INFINITY).encoded.length;
      expect(size <= env.capabilities.maxMetadataBytes, `Ordinary metadata of ${size} bytes does not fit.`);
      await storage.put(key, env.random.bytes(100), METADATA);
      await env.eventually(async () => {
        const hit = await storage.get(key);
        if (hit?.kind !== 'entry') return 'What was put is a miss.';
        await hit.body.discard();
        const stat = await storage.stat(key);
        for (const [how, metadata] of [
          ['get', hit.metadata],
          ['stat', stat?.metadata],
        ] as const) {
          for (const name of Object.keys(METADATA) as (keyof EntryMetadata)[]) {
            const [seen, given] = [metadata?.[name], METADATA[name]].map((value) => JSON.stringify(value));
            if (seen !== given) return `${how} gives ${name} as ${seen} instead of ${given}.`;
          }
        }
        return undefined;
      });
    },
  },
  {
    requirement: 'public.closed-after-close',
    title: 'a closed storage refuses every operation by itself',
    async run(env) {
      const { storage, calls } = await publicSide(env);
      await storage.close();
      calls.length = 0;
      for (const [what, operation] of operationsOn(storage, env.key('closed'))) {
        await expectCode(`A ${what} after close`, operation, 'closed');
      }
      await expectCode('A list after close', () => drain(storage.list(env.prefix)), 'closed');
      await expectCode('An open after close', () => storage.open(), 'closed');
      expect(calls.length === 0, `After close the adapter was called: ${calls.join(', ')}.`);
    },
  },
  {
    requirement: 'public.keys-are-refused-before-io',
    title: 'keys that there cannot be never reach the adapter',
    async run(env) {
      const { storage, calls } = await publicSide(env);
      const room = 'x'.repeat(513);
      for (const key of [
        '',
        '/a',
        'a/',
        'a//b',
        '../a',
        'a/../b',
        './a',
        'a/.',
        'A',
        'ä',
        'a b',
        'a\0b',
        'a\\b',
        room,
      ]) {
        for (const [what, operation] of operationsOn(storage, key)) {
          await expectCode(`A ${what} of ${JSON.stringify(key.slice(0, 20))}`, operation, 'invalid-argument');
        }
      }
      await expectCode('A list of "A"', () => drain(storage.list('A')), 'invalid-argument');
      expect(calls.length === 0, `The adapter was called: ${calls.join(', ')}.`);
    },
  },
  {
    requirement: 'public.metadata-limit',
    title: 'metadata as long as declared is stored, one byte more is refused',
    async run(env) {
      const { maxMetadataBytes } = env.capabilities;
      if (maxMetadataBytes > 1024 * 1024)
        throw new NotApplicable('does not apply: maxMetadataBytes is beyond what entries need');
      const { storage, calls } = await publicSide(env);
      const metadataOfLength = (length: number): EntryMetadata => {
        const base: EntryMetadata = { ...METADATA, source: 's', sourceEtag: undefined, sourceLastModified: undefined };
        const bare = { ...base, headers: undefined, tags: [''] };
        const { length: empty } = encodeMetadata(bare, Number.POSITIVE_INFINITY).encoded;
        return { ...bare, tags: ['t'.repeat(length - empty)] };
      };
      const key = env.key('limit');
      const fits = metadataOfLength(maxMetadataBytes);
      await storage.put(key, new Uint8Array(10), fits);
      await env.eventually(async () => {
        const stat = await storage.stat(key);
        const same = JSON.stringify(stat?.metadata.tags) === JSON.stringify(fits.tags);
        return same ? undefined : `Metadata of ${maxMetadataBytes} bytes did not come back.`;
      });
      calls.length = 0;
      const long = metadataOfLength(maxMetadataBytes + 1);
      const what = `with metadata of ${maxMetadataBytes + 1} bytes`;
      await expectCode(`A put ${what}`, () => storage.put(key, new Uint8Array(10), long), 'invalid-argument');
      await expectCode(`A setMetadata ${what}`, () => storage.setMetadata(key, long), 'invalid-argument');
      expect(calls.length === 0, `The adapter was called: ${calls.join(', ')}.`);
    },
  },
  {
    requirement: 'public.lying-size',
    title: 'streams shorter and longer than declared leave the old entry',
    async run(env) {
      const { storage } = await publicSide(env);
      for (const length of [10, 100_000]) {
        const key = env.key(`lying/${length}`);
        const old = env.random.bytes(50);
        await env.given(key, old);
        for (const size of [length - 1, length + 1]) {
          const bytes = env.random.bytes(length);
          const what = `A stream of ${length} bytes, declared with ${size},`;
          await expectCode(what, () => storage.put(key, streamOf(bytes), METADATA, { size }), 'invalid-argument');
          await expectBody(env, key, old, 'after a put whose size was a lie');
        }
      }
    },
  },
  {
    requirement: 'public.failing-input',
    title: 'the stream’s own error comes out of the put',
    async run(env) {
      const { storage } = await publicSide(env);
      for (const length of [0, 100_000]) {
        const key = env.key(`failing/${length}`);
        const old = env.random.bytes(50);
        await env.given(key, old);
        const failure = new Error('the origin broke off');
        const outcome = await settled(storage.put(key, streamOf(env.random.bytes(length), failure), METADATA));
        expect(!outcome.ok, 'A put whose stream failed resolved.');
        expect(outcome.error === failure, `It rejected with ${describeError(outcome.error)} instead of the stream’s.`);
        await expectBody(env, key, old, 'after a put whose stream failed');
      }
    },
  },
  {
    requirement: 'public.replayable-put-is-retried',
    title: 'a lost request and a lost answer of a put of bytes',
    async run(env) {
      for (const what of ['request', 'answer'] as const) {
        for (const source of [false, true]) {
          const { storage, calls } = await publicSide(env, losing(what));
          const key = env.key(`${what}-${source ? 'source' : 'bytes'}`);
          const bytes = env.random.bytes(120_000);
          const input: PutInput = source ? { size: bytes.length, open: () => streamOf(bytes) } : bytes;
          const outcome = await settled(storage.put(key, input, METADATA));
          if (!outcome.ok)
            throw new RequirementBroken(`After a lost ${what} it gave up: ${describeError(outcome.error)}`);
          expect(calls.length === 2, `After a lost ${what} the adapter was called ${calls.length} times, not 2.`);
          await env.expectEntry(key, { bytes, version: outcome.value }, `after a lost ${what}`);
          const rows = (await env.list(key)).filter((row) => row.key === key);
          expect(rows.length <= 1, `After a lost ${what} a listing shows the entry ${rows.length} times.`);
        }
      }
    },
  },
  {
    requirement: 'public.nothing-is-applied-twice',
    title: 'a put with a condition, or from a stream, whose answer was lost',
    async run(env) {
      const { conditionalCreate } = env.capabilities;
      const cases: readonly (readonly [string, boolean])[] = [
        ['a plain stream', false],
        ...(conditionalCreate ? ([['ifAbsent', true]] as const) : []),
      ];
      for (const [what, conditional] of cases) {
        const { storage, calls } = await publicSide(env, losing('answer'));
        const key = env.key(conditional ? 'conditional' : 'stream');
        const bytes = env.random.bytes(1_000);
        const outcome: Settled<unknown> = await settled(
          conditional
            ? storage.put(key, bytes, METADATA, { condition: { ifAbsent: true } })
            : storage.put(key, streamOf(bytes), METADATA),
        );
        expect(calls.length === 1, `A put with ${what} was sent ${calls.length} times.`);
        expect(!outcome.ok, `A put with ${what} whose answer was lost resolved.`);
        const told = StorageError.is(outcome.error) ? outcome.error.applied : describeError(outcome.error);
        expect(told === 'unknown', `Of a put with ${what} whose answer was lost it says applied: ${told}.`);
        await expectBody(env, key, bytes, 'after a put whose answer was lost');
      }
    },
  },
  {
    requirement: 'public.abort-reason',
    title: 'the reason of the signal comes out of every operation',
    async run(env) {
      const { storage } = await publicSide(env);
      const key = env.key('aborted');
      await env.given(key, env.random.bytes(10));
      const reason = { why: 'nobody waits' };
      const signal = AbortSignal.abort(reason);
      const running = new AbortController();
      async function* abortedHalfway() {
        yield env.random.bytes(1_000);
        running.abort(reason);
        yield env.random.bytes(1_000);
      }
      for (const [what, operation] of [
        ['get', () => storage.get(key, { signal })],
        ['stat', () => storage.stat(key, { signal })],
        ['put', () => storage.put(key, new Uint8Array(3), METADATA, { signal })],
        ['delete', () => storage.delete(key, { signal })],
        ['list', () => drain(storage.list(env.prefix, { signal }))],
        ['put that was half-way', () => storage.put(key, abortedHalfway(), METADATA, { signal: running.signal })],
      ] as const) {
        const outcome = await settled(async () => operation());
        expect(!outcome.ok, `An aborted ${what} resolved.`);
        expect(outcome.error === reason, `An aborted ${what} rejected with ${describeError(outcome.error)}.`);
      }
    },
  },
  {
    requirement: 'public.errors-name-their-place',
    title: 'failures of the adapter say where',
    async run(env) {
      for (const failure of [
        new StorageError({ code: 'access-denied', message: 'No.' }),
        new TypeError('x is not a function'),
      ]) {
        const { storage } = await publicSide(env, () => Promise.reject(failure));
        const key = env.key('failing');
        const code = StorageError.is(failure) ? failure.code : 'internal';
        for (const [what, operation] of operationsOn(storage, key)) {
          const error = await expectCode(`A ${what} of an adapter that fails`, operation, code);
          const place = [error.operation, error.key, error.adapter].join(' ');
          expect(place === [what, key, NAME].join(' '), `The error of a ${what} says: ${place}.`);
        }
      }
    },
  },
];
