import type { StorageKey } from '@tintype/core';
import { forEachLimited, settled } from '../../engine/waiting.ts';
import { bytesBody, CHUNK, gatedBody, pieces, streamBody } from '../bodies.ts';
import { bytesDiffer, hasCode, metadataOf } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Where bodies break: at the start, after a byte, at a buffer's end, at a part's end, at the end. */
function breakingPoints(env: StorageEnv): { readonly size: number; readonly points: readonly number[] } {
  const size = env.scale >= 0.5 ? 5 * MiB + 100 : 300 * KiB;
  const points = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, size - 1, size];
  if (size > 5 * MiB) points.push(5 * MiB);
  return { size, points };
}

/** Calls `put` with bodies that fail at each point; says what came of it. */
async function failAtEachPoint(
  env: StorageEnv,
  after: (key: StorageKey, point: string) => Promise<void>,
  before?: (key: StorageKey) => Promise<void>,
): Promise<void> {
  const { size, points } = breakingPoints(env);
  const bytes = env.random.bytes(size);
  for (const at of points) {
    for (const declared of [undefined, size]) {
      const key = env.key(`fails/${at}${declared === undefined ? '' : '-sized'}`);
      await before?.(key);
      const failure = new Error('the source broke');
      const body = streamBody(pieces(bytes.subarray(0, at)), { size: declared, failure });
      const outcome = await settled(env.put(key, body));
      const point = `a body that failed after ${at} of ${size} bytes`;
      expect(!outcome.ok, `put resolved with ${point}.`);
      await after(key, point);
    }
  }
}

/** Aborts puts at each point, through a gate there. */
async function abortAtEachPoint(
  env: StorageEnv,
  after: (key: StorageKey, point: string, outcome: { ok: boolean; error?: unknown; reason: Error }) => Promise<void>,
  before?: (key: StorageKey) => Promise<void>,
): Promise<void> {
  const { size, points } = breakingPoints(env);
  const bytes = env.random.bytes(size);
  for (const at of points) {
    const key = env.key(`aborted/${at}`);
    await before?.(key);
    const controller = new AbortController();
    const reason = new Error('nobody wants it any more');
    const body = gatedBody(bytes, at, { size: at % 2 === 0 ? size : undefined, signal: controller.signal });
    const putting = settled(env.put(key, body, { signal: controller.signal }));
    await env.limited('A put', Promise.race([body.reached, putting]));
    controller.abort(reason);
    const outcome = await putting;
    await after(
      key,
      `a put that was aborted after ${at} of ${size} bytes`,
      outcome.ok ? { ok: true, reason } : { ok: false, error: outcome.error, reason },
    );
  }
}

export const putTests: readonly StorageTest[] = [
  {
    requirement: 'put.visible-when-resolved',
    title: 'get, stat and list show the entry at once',
    async run(env) {
      for (let i = 0; i < 5; i++) {
        const key = env.key(`visible/${i}`);
        const bytes = env.random.bytes(100 + i * 40 * KiB);
        await env.put(key, bytes);
        await env.eventually(async () => ((await env.read(key)) === undefined ? 'get misses the entry.' : undefined));
        await env.eventually(async () => ((await env.stat(key)) === undefined ? 'stat misses the entry.' : undefined));
        await env.eventually(
          async () => ((await env.keys(key)).includes(key) ? undefined : 'list misses the entry.'),
          env.listSettleMs,
        );
      }
    },
  },
  {
    requirement: 'put.overwrite-replaces',
    title: 'shorter, longer and equally long bodies replace one another',
    async run(env) {
      const key = env.key('overwritten');
      for (const size of [1000, 10, 200 * KiB, 200 * KiB, 70 * KiB, 1, 1000, 1000]) {
        const bytes = env.random.bytes(size);
        const metadata = metadataOf(`size-${size}-${env.random.below(1e9)}`);
        await env.put(key, bytes, { metadata });
        await env.expectEntry(key, { bytes, metadata }, 'after an overwrite');
      }
    },
  },
  {
    requirement: 'put.streams-of-unknown-length',
    title: 'chunks of 1 byte to 1 MiB, with empty ones between',
    async run(env) {
      const bytes = env.random.bytes(MiB + 333);
      for (const size of [MiB, 65_537, 1000]) {
        const key = env.key(`unknown/${size}`);
        const chunks = function* () {
          yield new Uint8Array(0);
          for (const piece of pieces(bytes, size)) {
            yield piece;
            yield new Uint8Array(0);
          }
        };
        await env.put(key, streamBody(chunks()));
        await env.expectEntry(key, { bytes }, `from chunks of ${size} bytes`);
      }
      const drops = bytes.subarray(0, 300);
      const key = env.key('unknown/drops');
      await env.put(key, streamBody(pieces(drops, 1)));
      await env.expectEntry(key, { bytes: drops }, 'from single bytes');
    },
  },
  {
    requirement: 'put.streams-of-known-length',
    title: 'streams whose length is declared',
    async run(env) {
      for (const size of [1, 1000, CHUNK, CHUNK + 1, MiB + 1]) {
        const bytes = env.random.bytes(size);
        const key = env.key(`known/${size}`);
        await env.put(key, streamBody(pieces(bytes), { size }));
        await env.expectEntry(key, { bytes }, `from a stream of ${size} bytes`);
      }
    },
  },
  {
    requirement: 'put.reads-the-body-once',
    title: 'a stream that cannot be replayed is opened once',
    async run(env) {
      for (const size of [100, 400 * KiB]) {
        const bytes = env.random.bytes(size);
        for (const declared of [undefined, size]) {
          const body = streamBody(pieces(bytes), { size: declared });
          await settled(env.put(env.key(`once/${size}`), body));
          expect(body.opened <= 1, `The body was opened ${body.opened} times.`);
        }
      }
    },
  },
  {
    requirement: 'put.copies-the-callers-buffer',
    title: 'the entry stays when the caller writes to its buffer afterwards',
    async run(env) {
      for (const size of [100, 200 * KiB]) {
        const buffer = env.random.bytes(size);
        const original = buffer.slice();
        const key = env.key(`alias/${size}`);
        await env.put(key, bytesBody(buffer));
        buffer.fill(0);
        await env.expectEntry(key, { bytes: original }, 'after its caller reused the buffer');
      }
    },
  },
  {
    requirement: 'put.spares-the-callers-buffer',
    title: 'buffer and chunks are unchanged after the put',
    async run(env) {
      const buffer = env.random.bytes(100 * KiB);
      const original = buffer.slice();
      await settled(env.put(env.key('spared'), bytesBody(buffer)));
      expect(bytesDiffer(buffer, original) === undefined, 'The put wrote into the caller’s buffer.');
      const chunks = [...pieces(original, 10_000)];
      await settled(env.put(env.key('spared-chunks'), streamBody(chunks, { lends: false })));
      expect(bytesDiffer(Buffer.concat(chunks), original) === undefined, 'The put wrote into the chunks.');
    },
  },
  {
    requirement: 'put.gives-back-what-it-is-done-with',
    title: 'chunks are overwritten as soon as they are given back',
    async run(env) {
      for (const size of [1, 100 * KiB, 2 * MiB + 1]) {
        const bytes = env.random.bytes(size);
        for (const piece of [10_000, CHUNK, MiB]) {
          for (const declared of [undefined, size]) {
            const key = env.key(`given-back/${size}/${piece}${declared === undefined ? '' : '-sized'}`);
            const body = streamBody(pieces(bytes, piece), { size: declared });
            await env.put(key, body, { bytes: size });
            expect(body.misuse.length === 0, `The put gave back ${body.misuse.join(', and ')}.`);
            await env.expectEntry(
              key,
              { bytes },
              `from chunks of ${piece} bytes that were overwritten once given back`,
            );
          }
        }
      }
    },
  },
  {
    requirement: 'put.gives-back-what-it-is-done-with',
    title: 'also of a body that fails',
    async run(env) {
      const bytes = env.random.bytes(300 * KiB);
      for (const at of [1, CHUNK, 200 * KiB]) {
        const body = streamBody(pieces(bytes.subarray(0, at), 10_000), { failure: new Error('the source broke') });
        await settled(env.put(env.key(`given-back/fails/${at}`), body));
        expect(body.misuse.length === 0, `A put that failed gave back ${body.misuse.join(', and ')}.`);
      }
    },
  },
  {
    requirement: 'put.version-is-current',
    title: 'the returned version is what get and stat show',
    async run(env) {
      const key = env.key('version');
      for (let i = 0; i < 3; i++) {
        const version = await env.put(key, env.random.bytes(50 + i));
        expect(typeof version === 'string' && version.length > 0, `put returned ${String(version)} as version.`);
        await env.expectEntry(key, { version }, 'after a put');
        await env.eventually(async () => {
          const stat = await env.stat(key);
          return stat?.version === version ? undefined : `stat shows version ${stat?.version} instead of ${version}.`;
        });
      }
    },
  },
  {
    requirement: 'put.version-changes',
    title: 'ten puts of other bytes give ten versions',
    async run(env) {
      const key = env.key('versions');
      const versions = new Set<string>();
      for (let i = 0; i < 10; i++) versions.add(await env.put(key, env.random.bytes(64)));
      expect(versions.size === 10, `Ten puts gave ${versions.size} versions.`);
    },
  },
  {
    requirement: 'put.version-changes-with-same-bytes',
    title: 'a put of the same bytes with other metadata gives another version',
    async run(env) {
      const key = env.key('same-bytes');
      const bytes = env.random.bytes(64);
      const first = await env.put(key, bytes, { metadata: metadataOf('one') });
      const second = await env.put(key, bytes, { metadata: metadataOf('two') });
      expect(first !== second, `Both puts gave version ${first}.`);
    },
  },
  {
    requirement: 'put.failed-body-creates-nothing',
    title: 'no entry appears whose body failed, wherever it did',
    timeoutMs: 120_000,
    run: (env) => failAtEachPoint(env, (key, point) => env.expectMissing(key, `after ${point}`)),
  },
  {
    requirement: 'put.failed-body-keeps-the-old',
    title: 'the old entry stays when the body of an overwrite fails',
    timeoutMs: 120_000,
    async run(env) {
      const bytes = env.random.bytes(70_000);
      const metadata = metadataOf('old');
      await failAtEachPoint(
        env,
        async (key, point) => void (await env.expectEntry(key, { bytes, metadata }, `after ${point}`)),
        async (key) => void (await env.given(key, bytes, metadata)),
      );
    },
  },
  {
    requirement: 'put.body-error-is-unchanged',
    title: 'put rejects with the very error of the stream',
    async run(env) {
      for (const at of [0, 1000]) {
        const failure = new TypeError('my own error');
        const body = streamBody(pieces(env.random.bytes(at)), { failure });
        const outcome = await settled(env.put(env.key('error'), body));
        expect(!outcome.ok, 'put resolved although its body failed.');
        expect(outcome.error === failure, `put rejected with ${String(outcome.error)} instead of the stream’s error.`);
      }
    },
  },
  {
    requirement: 'put.aborted-creates-nothing',
    title: 'no entry appears whose put was aborted, wherever it was',
    timeoutMs: 120_000,
    run: (env) => abortAtEachPoint(env, (key, point) => env.expectMissing(key, `after ${point}`)),
  },
  {
    requirement: 'put.aborted-creates-nothing',
    title: 'no entry appears whose put was aborted at the very end of its body',
    async run(env) {
      for (const size of [0, 100, 3 * CHUNK + 5]) {
        const key = env.key(`aborted-at-the-end/${size}`);
        const bytes = env.random.bytes(size);
        const controller = new AbortController();
        const abortedAtItsEnd = function* () {
          yield* pieces(bytes);
          controller.abort(new Error('nobody wants it any more'));
        };
        await settled(env.put(key, streamBody(abortedAtItsEnd()), { signal: controller.signal }));
        await env.expectMissing(key, `after a put that was aborted at the end of ${size} bytes`);
      }
    },
  },
  {
    requirement: 'put.aborted-keeps-the-old',
    title: 'the old entry stays when an overwrite is aborted',
    timeoutMs: 120_000,
    async run(env) {
      const bytes = env.random.bytes(70_000);
      const metadata = metadataOf('old');
      await abortAtEachPoint(
        env,
        async (key, point) => void (await env.expectEntry(key, { bytes, metadata }, `after ${point}`)),
        async (key) => void (await env.given(key, bytes, metadata)),
      );
    },
  },
  {
    requirement: 'put.abort-rejects-with-the-reason',
    title: 'an aborted put rejects with the signal’s reason',
    timeoutMs: 120_000,
    run: (env) =>
      abortAtEachPoint(env, async (_, point, { ok, error, reason }) => {
        expect(!ok, `It resolved: ${point}.`);
        expect(error === reason, `Rejected with ${String(error)} instead of the reason: ${point}.`);
      }),
  },
  {
    requirement: 'put.outcome-is-true',
    title: '60 puts of one key after another, each read back',
    async run(env) {
      const key = env.key('each');
      for (let i = 0; i < env.times(60, 25); i++) {
        const metadata = metadataOf(`put-${i}`);
        const version = await env.put(key, env.random.bytes(20), { metadata });
        await env.expectEntry(key, { metadata, version }, `after put ${i + 1}`);
      }
    },
  },
  {
    requirement: 'put.concurrent-keys',
    title: '30 streams into 30 keys at once',
    async run(env) {
      const bodies = Array.from({ length: 30 }, (_, i) => env.random.bytes(1000 + i * 7000));
      await env.limited(
        '30 puts',
        Promise.all(
          bodies.map((bytes, i) =>
            env.put(env.key(`many/${i}`), i % 2 ? bytesBody(bytes) : streamBody(pieces(bytes, 5000)), {
              metadata: metadataOf(`many-${i}`),
            }),
          ),
        ),
      );
      await forEachLimited(bodies, 8, async (bytes, i) => {
        await env.expectEntry(env.key(`many/${i}`), { bytes, metadata: metadataOf(`many-${i}`) });
      });
    },
  },
  {
    requirement: 'put.too-large-is-refused',
    title: 'one byte more than maxObjectBytes is too large, declared or not',
    timeoutMs: 120_000,
    async run(env) {
      const limit = env.capabilities.maxObjectBytes;
      const block = env.random.bytes(MiB);
      const chunks = function* () {
        for (let sent = 0; sent < limit + 1; sent += MiB) yield block.subarray(0, Math.min(MiB, limit + 1 - sent));
      };
      for (const size of [limit + 1, undefined]) {
        const key = env.key(`too-large/${size === undefined ? 'unknown' : 'known'}`);
        const outcome = await settled(env.put(key, streamBody(chunks(), { size })));
        expect(!outcome.ok, `A body of ${limit + 1} bytes was taken; maxObjectBytes is ${limit}.`);
        expect(hasCode(outcome.error, 'too-large'), `Rejected with ${String(outcome.error)} instead of too-large.`);
        await env.expectMissing(key, 'after it was refused');
      }
    },
  },
];
