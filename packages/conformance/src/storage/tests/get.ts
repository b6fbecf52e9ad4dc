import { createHash } from 'node:crypto';
import type { Entry } from '@tintype/core';
import { collect, freeExpendable } from '@tintype/core';
import { NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { Patience } from '../../engine/patience.ts';
import { pause, settled, turn } from '../../engine/waiting.ts';
import { CHUNK, streamBody } from '../bodies.ts';
import { bytesDiffer, metadataOf, type StorageClient, shown } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** The entry under `key` with its body unread. */
async function hit(
  env: StorageClient,
  key: Parameters<StorageClient['read']>[0],
  signal?: AbortSignal,
): Promise<Entry> {
  const outcome = await env.limited(`get(${key})`, env.adapter.get(key, undefined, env.context(signal)));
  if (outcome?.kind !== 'entry') throw new RequirementBroken(`get(${key}) answered ${outcome?.kind ?? 'a miss'}.`);
  return outcome;
}

/** Sizes around the buffers and parts of backends, as far as budget and storage allow. */
function interestingSizes(env: StorageEnv): number[] {
  const around = [64 * KiB, MiB];
  if (env.scale >= 0.2) around.push(5 * MiB);
  if (env.scale >= 0.5) around.push(8 * MiB);
  return around.flatMap((size) => [size - 1, size, size + 1]).filter((size) => size <= env.capabilities.maxObjectBytes);
}

/** How long a file or a connection may take to be closed, in milliseconds: a slow disk takes its time. */
const RELEASED_MS = 10_000;
/** More than any adapter reads at once, in bytes. */
const LONG = 300 * 1024;

export const getTests: readonly StorageTest[] = [
  {
    requirement: 'get.miss-is-undefined',
    title: 'a key that was never put is a miss',
    async run(env) {
      const key = env.key('never/put');
      const got = await env.limited('get of a missing key', env.adapter.get(key, undefined, env.context()));
      expect(got === undefined, `get answered ${JSON.stringify(got)}.`);
      const stat = await env.stat(key);
      expect(stat === undefined, `stat answered ${JSON.stringify(stat)}.`);
    },
  },
  {
    requirement: 'get.bytes-are-exact',
    title: 'every byte value, text that looks like something, and random bytes come back',
    async run(env) {
      const bodies = [
        Uint8Array.from({ length: 256 }, (_, index) => index),
        new Uint8Array(1),
        new Uint8Array([0xef, 0xbb, 0xbf, 0x41]),
        new Uint8Array([0xff, 0xfe, 0xc3, 0x28, 0x80, 0x00]),
        new TextEncoder().encode('line\r\nline\n\r\0 {"json":true} <xml/>\n'),
        ...Array.from({ length: env.times(20, 4) }, () => env.random.bytes(1 + env.random.below(20 * KiB))),
      ];
      for (const [index, bytes] of bodies.entries()) {
        const key = env.key(`bytes/${index}`);
        await env.put(key, bytes);
        await env.expectEntry(key, { bytes });
      }
    },
  },
  {
    requirement: 'get.empty-body',
    title: 'an entry without bytes is found',
    async run(env) {
      const key = env.key('empty');
      await env.put(key, new Uint8Array(0));
      const seen = await env.expectEntry(key, { bytes: new Uint8Array(0) });
      expect(seen.size === 0, `size is ${seen.size}.`);
      const streamed = env.key('empty-stream');
      await env.put(streamed, streamBody([]));
      await env.expectEntry(streamed, { bytes: new Uint8Array(0) });
      await env.settle();
      const stat = await env.stat(streamed);
      expect(stat?.size === 0, `stat answered ${JSON.stringify(stat)}.`);
    },
  },
  {
    requirement: 'get.large-bodies-are-exact',
    title: 'bodies around 64 KiB, 1, 5 and 8 MiB come back',
    timeoutMs: 120_000,
    async run(env) {
      const sizes = interestingSizes(env);
      const pool = env.random.bytes(Math.max(...sizes, 1));
      const key = env.key('large');
      for (const size of sizes) {
        const bytes = pool.subarray(0, size);
        await env.put(key, bytes);
        await env.expectEntry(key, { bytes }, `with ${size} bytes`);
      }
    },
  },
  {
    requirement: 'get.large-stream-is-exact',
    title: 'a long stream goes in and comes out unchanged',
    timeoutMs: 300_000,
    async run(env) {
      const wanted = Math.round(64 * MiB * Math.min(1, env.scale));
      const size = Math.min(Math.max(wanted, 2 * MiB), env.capabilities.maxObjectBytes);
      const block = env.random.bytes(MiB);
      const sent = createHash('sha256');
      async function* source() {
        for (let offset = 0; offset < size; offset += MiB) {
          const chunk = block.slice(0, Math.min(MiB, size - offset));
          // Each block differs, so that a swapped or repeated one is noticed.
          chunk[0] = (offset / MiB) & 0xff;
          sent.update(chunk);
          yield chunk;
        }
      }
      const key = env.key('stream');
      await env.put(key, streamBody(source()), { bytes: size });
      const expected = sent.digest('hex');
      await env.settle();
      await env.eventually(async () => {
        const got = createHash('sha256');
        let length = 0;
        const entry = await hit(env, key);
        for await (const chunk of entry.body.stream()) {
          got.update(chunk);
          length += chunk.length;
        }
        if (length !== size) return `${length} of ${size} bytes came back.`;
        return got.digest('hex') === expected ? undefined : 'Other bytes came back than were put.';
      });
    },
  },
  {
    requirement: 'get.size-is-the-bodys',
    title: 'size is the number of bytes, for small and large bodies',
    async run(env) {
      for (const size of [1, 1000, 200 * KiB]) {
        const key = env.key(`size/${size}`);
        await env.given(key, env.random.bytes(size));
        const entry = await hit(env, key);
        await entry.body.discard();
        expect(entry.size === size, `get says ${entry.size} bytes of an entry of ${size}.`);
      }
    },
  },
  {
    requirement: 'get.body-is-read-once',
    title: 'a second consumption throws, discarding is always fine',
    async run(env) {
      for (const size of [10, 200 * KiB]) {
        const key = env.key(`once/${size}`);
        await env.given(key, env.random.bytes(size));
        const read = await hit(env, key);
        await read.body.bytes();
        const again = await settled(() => read.body.bytes());
        expect(!again.ok, `bytes() of a body of ${size} bytes could be called twice.`);
        const stream = await settled(async () => collect(read.body.stream()));
        expect(!stream.ok, `stream() of a body of ${size} bytes could be read after bytes().`);
        const late = await settled(read.body.discard());
        expect(late.ok, 'discard() after a consumption rejected.');
        const given = await hit(env, key);
        const twice = await settled(given.body.discard().then(() => given.body.discard()));
        expect(twice.ok, 'discard() twice rejected.');
      }
    },
  },
  {
    requirement: 'get.chunks-are-not-reused',
    title: 'chunks that were handed out keep their bytes',
    async run(env) {
      const bytes = env.random.bytes(500 * KiB);
      const key = env.key('chunks');
      await env.supposed('an entry can be put', () => env.put(key, bytes));
      await env.settle();
      const chunks: Uint8Array[] = [];
      const entry = await hit(env, key);
      for await (const chunk of entry.body.stream()) {
        chunks.push(chunk);
        await turn();
      }
      const differ = bytesDiffer(Buffer.concat(chunks), bytes);
      expect(differ === undefined, `Chunks kept until the end make ${differ}.`);
    },
  },
  {
    requirement: 'get.only-what-came-back-is-reused',
    title: 'readers that give back all, some, and nothing get all of it',
    async run(env) {
      const bytes = env.random.bytes(2 * MiB + 333);
      const key = env.key('given-back');
      await env.supposed('an entry can be put', () => env.put(key, bytes));
      await env.settle();
      // Gives back each chunk once it was copied, each second one, and none; the rest when the stream has ended.
      const readers = [1, 2, Number.POSITIVE_INFINITY].map(async (each) => {
        const stream = (await hit(env, key)).body.stream();
        const kept: { readonly at: number; readonly chunk: Uint8Array; readonly length: number }[] = [];
        let at = 0;
        let index = 0;
        for await (const chunk of stream) {
          const { length } = chunk;
          const differ = bytesDiffer(chunk, bytes.subarray(at, at + length));
          expect(differ === undefined, `The chunk that begins at ${at} has ${differ}.`);
          kept.push({ at, chunk, length });
          if (++index % each === 0) {
            kept.pop();
            stream.recycle?.(chunk);
          }
          at += length;
          await turn();
        }
        expect(at === bytes.length, `The stream ended after ${at} of ${bytes.length} bytes.`);
        return { stream, kept };
      });
      const read = await env.limited('3 readers', Promise.all(readers));
      for (const { kept } of read) {
        for (const { at, chunk, length } of kept) {
          const differ = bytesDiffer(chunk, bytes.subarray(at, at + length));
          expect(differ === undefined, `A chunk that its reader kept has ${differ} at the end.`);
        }
      }
      for (const { stream, kept } of read) for (const { chunk } of kept) stream.recycle?.(chunk);
      await env.expectEntry(key, { bytes }, 'after the chunks of its readers were given back');
    },
  },
  {
    requirement: 'get.buffered-costs-nothing',
    title: 'buffered is the body, and it can still be read',
    async run(env) {
      let looked = false;
      for (const size of [0, 100, 100 * KiB]) {
        const bytes = env.random.bytes(size);
        const key = env.key(`buffered/${size}`);
        await env.given(key, bytes);
        const entry = await hit(env, key);
        const { buffered } = entry.body;
        const read = await settled(() => entry.body.bytes());
        if (buffered !== undefined) {
          looked = true;
          const differ = bytesDiffer(buffered, bytes);
          expect(differ === undefined, `buffered has ${differ}.`);
          expect(read.ok, 'After a look at buffered the body could not be read.');
        }
      }
      if (!looked) throw new NotApplicable('does not apply: no body is buffered');
    },
  },
  {
    requirement: 'get.buffered-costs-nothing',
    title: 'a body that is given up, and freed if it may be, is missed by nobody',
    async run(env) {
      for (const size of [1, 100, 100 * KiB]) {
        const bytes = env.random.bytes(size);
        const key = env.key(`expendable/${size}`);
        await env.given(key, bytes);
        const [first, second] = [await hit(env, key), await hit(env, key)];
        const { buffered, expendable } = first.body;
        if (buffered !== undefined && expendable === true) freeExpendable(buffered);
        else await first.body.discard();
        const differ = bytesDiffer(await second.body.bytes(), bytes);
        expect(differ === undefined, `After the body of another get was given up, this one has ${differ}.`);
        await env.expectEntry(key, { bytes }, 'after a body was given up');
      }
    },
  },
  {
    requirement: 'get.version-is-stable',
    title: 'ten reads of an untouched entry agree',
    async run(env) {
      const key = env.key('stable');
      const metadata = metadataOf('stable');
      await env.given(key, env.random.bytes(100), metadata);
      const first = await env.stat(key);
      for (let i = 0; i < 10; i++) {
        const entry = await env.read(key);
        expect(entry?.version === first?.version, `The version went from ${first?.version} to ${entry?.version}.`);
        expect(entry?.metadata.encoded === metadata.encoded, 'The metadata changed by itself.');
      }
    },
  },
  {
    requirement: 'get.stat-agrees',
    title: 'stat says what get says',
    async run(env) {
      for (const size of [1, 150 * KiB]) {
        const key = env.key(`stat/${size}`);
        await env.given(key, env.random.bytes(size), metadataOf(`stat-${size}`));
        await env.eventually(async () => {
          const [stat, entry] = [await env.stat(key), await env.read(key)];
          if (stat === undefined) return 'stat misses an entry that get finds.';
          if (stat.size !== entry?.bytes.length)
            return `stat says ${stat.size} bytes, get gives ${entry?.bytes.length}.`;
          if (stat.version !== entry.version) return `stat says version ${stat.version}, get ${entry.version}.`;
          return stat.metadata.encoded === entry.metadata.encoded ? undefined : 'stat and get differ in metadata.';
        });
      }
    },
  },
  {
    requirement: 'get.unread-bodies-do-not-stall',
    title: '100 bodies discarded unread, then one more get',
    async run(env) {
      const bytes = env.random.bytes(256 * KiB);
      const key = env.key('unread');
      await env.given(key, bytes);
      for (let i = 0; i < 100; i++) {
        const entry = await hit(env, key);
        await env.limited('discard()', entry.body.discard());
      }
      await env.expectEntry(key, { bytes }, 'after 100 unread bodies');
    },
  },
  {
    requirement: 'get.discard-releases',
    title: 'discarded and half-read bodies leave nothing open',
    async run(env) {
      // On a subject of its own: what other tests left open is not this test's business.
      const own = await env.create();
      const client = await env.open(own.adapter);
      const key = env.key('discard');
      await client.given(key, env.random.bytes(512 * KiB));
      for (let i = 0; i < 5; i++) {
        await (await hit(client, key)).body.discard();
        const half = await hit(client, key);
        for await (const _ of half.body.stream()) break;
      }
      let leaks = await env.leaks(own);
      const patience = new Patience(Math.min(RELEASED_MS, env.operationTimeoutMs));
      while (leaks.length > 0 && !patience.isOver) {
        await pause(5);
        leaks = await env.leaks(own);
      }
      await settled(client.delete(key));
      await env.close(client);
      expect(leaks.length === 0, `After discarding: ${leaks.join(', ')}.`);
    },
  },
  {
    requirement: 'get.concurrent-reads',
    title: '16 readers of one entry, slow and fast, get all of it',
    async run(env) {
      const bytes = env.random.bytes(300 * KiB);
      const key = env.key('shared');
      await env.given(key, bytes);
      const readers = Array.from({ length: 16 }, async (_, index) => {
        const entry = await hit(env, key);
        const chunks: Uint8Array[] = [];
        for await (const chunk of entry.body.stream()) {
          chunks.push(chunk);
          for (let i = 0; i < index % 4; i++) await turn();
        }
        return bytesDiffer(Buffer.concat(chunks), bytes);
      });
      const problems = (await env.limited('16 readers', Promise.all(readers))).filter((differ) => differ !== undefined);
      expect(problems.length === 0, `${problems.length} of 16 readers got ${problems[0]}.`);
    },
  },
  {
    requirement: 'get.abort-never-shortens',
    title: 'a body whose get is aborted half-way is whole or throws',
    async run(env) {
      const bytes = env.random.bytes(2 * MiB);
      const key = env.key('aborted');
      await env.given(key, bytes);
      const controller = new AbortController();
      const entry = await hit(env, key, controller.signal);
      let length = 0;
      const reading = settled(async () => {
        for await (const chunk of entry.body.stream()) {
          length += chunk.length;
          controller.abort(new Error('nobody wants it'));
          await turn();
        }
      });
      const outcome = await env.limited('The body of an aborted get', reading);
      expect(!outcome.ok || length === bytes.length, `The stream ended after ${length} of ${bytes.length} bytes.`);
      await entry.body.discard();
    },
  },
];

export const rangeTests: readonly StorageTest[] = [
  {
    requirement: 'range.exact-bytes',
    title: 'ranges at the start, in the middle, at the end and anywhere',
    async run(env) {
      const size = 300 * KiB + 17;
      const bytes = env.random.bytes(size);
      const key = env.key('ranges');
      await env.given(key, bytes);
      const ranges = [
        [0, 0],
        [0, 9],
        [1, 1],
        [100, 200],
        [CHUNK - 1, CHUNK],
        [CHUNK, 2 * CHUNK - 1],
        [size - 1, size - 1],
        [size - 10, size - 1],
        // As far from the start as from the end.
        [100, size - 101],
        [0, size - 1],
        ...Array.from({ length: env.times(20, 5) }, () => {
          const first = env.random.below(size);
          return [first, first + env.random.below(size - first)];
        }),
      ] as const;
      for (const [first = 0, last = 0] of ranges) {
        const part = await env.read(key, { first, last });
        const differ = bytesDiffer(part?.bytes ?? new Uint8Array(0), bytes.subarray(first, last + 1));
        expect(differ === undefined, `Range ${first}-${last} gave ${differ}.`);
      }
    },
  },
  {
    requirement: 'range.open-ended',
    title: 'from a byte to the end',
    async run(env) {
      const bytes = env.random.bytes(1000);
      const key = env.key('open');
      await env.given(key, bytes);
      for (const first of [0, 1, 500, 999]) {
        const part = await env.read(key, { first });
        const differ = bytesDiffer(part?.bytes ?? new Uint8Array(0), bytes.subarray(first));
        expect(differ === undefined, `Range ${first}- gave ${differ}.`);
      }
    },
  },
  {
    requirement: 'range.suffix',
    title: 'the last bytes',
    async run(env) {
      const bytes = env.random.bytes(1000);
      const key = env.key('suffix');
      await env.given(key, bytes);
      for (const suffix of [1, 10, 999, 1000, 1001, 100_000]) {
        const part = await env.read(key, { suffix });
        const differ = bytesDiffer(part?.bytes ?? new Uint8Array(0), bytes.subarray(Math.max(0, 1000 - suffix)));
        expect(differ === undefined, `The last ${suffix} of 1000 bytes: ${differ}.`);
      }
    },
  },
  {
    requirement: 'range.is-clipped',
    title: 'a range that is too long ends with the body',
    async run(env) {
      const bytes = env.random.bytes(1000);
      const key = env.key('clipped');
      await env.given(key, bytes);
      for (const [first, last] of [
        [990, 1000],
        [0, 1_000_000],
        [999, Number.MAX_SAFE_INTEGER],
      ] as const) {
        const part = await env.read(key, { first, last });
        const differ = bytesDiffer(part?.bytes ?? new Uint8Array(0), bytes.subarray(first));
        expect(differ === undefined, `Range ${first}-${last} of 1000 bytes gave ${differ}.`);
        expect(part?.range?.last === 999, `Range ${first}-${last} of 1000 bytes says it ends at ${part?.range?.last}.`);
      }
    },
  },
  {
    requirement: 'range.past-the-end',
    title: 'a range outside of the body is a value, with the entry’s description',
    async run(env) {
      const full = env.key('full');
      const empty = env.key('empty');
      const long = env.key('long');
      const metadata = metadataOf('past');
      const version = await env.given(full, env.random.bytes(100), metadata);
      await env.given(empty, new Uint8Array(0), metadata);
      // Bodies that are streamed may take another way.
      await env.given(long, env.random.bytes(LONG), metadata);
      for (const [key, range, size] of [
        [full, { first: 100 }, 100],
        [full, { first: 100, last: 200 }, 100],
        [full, { first: 1_000_000 }, 100],
        [full, { suffix: 0 }, 100],
        [empty, { first: 0 }, 0],
        [empty, { first: 0, last: 0 }, 0],
        [empty, { suffix: 5 }, 0],
        [long, { first: LONG }, LONG],
        [long, { suffix: 0 }, LONG],
      ] as const) {
        const what = `Range ${JSON.stringify(range)} of ${size} bytes`;
        const outcome = await env.limited(what, env.adapter.get(key, range, env.context()));
        if (outcome?.kind === 'entry') await outcome.body.discard();
        expect(outcome?.kind === 'range-not-satisfiable', `${what} answered ${outcome?.kind ?? 'a miss'}.`);
        expect(outcome.size === size, `${what} says the entry has ${outcome.size} bytes.`);
        expect(outcome.metadata.encoded === metadata.encoded, `${what} carries other metadata.`);
        if (key === full) expect(outcome.version === version, `${what} carries another version.`);
      }
    },
  },
  {
    requirement: 'range.describes-itself',
    title: 'range and size are told',
    async run(env) {
      const key = env.key('describes');
      await env.given(key, env.random.bytes(1000));
      for (const [range, first, last] of [
        [{ first: 0, last: 0 }, 0, 0],
        [{ first: 10, last: 20 }, 10, 20],
        [{ first: 900 }, 900, 999],
        [{ suffix: 5 }, 995, 999],
      ] as const) {
        const part = await env.read(key, range);
        const what = `Range ${JSON.stringify(range)}`;
        expect(
          part?.range?.first === first && part.range.last === last,
          `${what} says ${JSON.stringify(part?.range)}.`,
        );
        expect(part.size === 1000, `${what} says that the whole has ${part.size} bytes instead of 1000.`);
        const outcome = await env.limited(what, env.adapter.get(key, range, env.context()));
        if (outcome !== undefined && 'body' in outcome) await outcome.body.discard();
        expect(outcome?.kind === 'entry', `${what} says that it is ${shown(String(outcome?.kind))}, not an entry.`);
      }
      const long = env.key('describes-long');
      await env.given(long, env.random.bytes(LONG));
      for (const each of [key, long]) {
        const whole = await env.read(each);
        expect(whole?.range === undefined, 'A get without a range says it has one.');
      }
      const part = await env.read(long, { suffix: 7 });
      const told = JSON.stringify(part?.range);
      expect(part?.range?.first === LONG - 7, `The last 7 of ${LONG} bytes say that they are ${told}.`);
    },
  },
  {
    requirement: 'range.same-entry',
    title: 'a part has the metadata and the version of the whole',
    async run(env) {
      const key = env.key('same');
      const metadata = metadataOf('same-entry');
      const version = await env.given(key, env.random.bytes(1000), metadata);
      const part = await env.read(key, { first: 3, last: 5 });
      expect(part?.metadata.encoded === metadata.encoded, `The part’s metadata is ${part?.metadata.encoded}.`);
      expect(part.version === version, `The part’s version is ${part.version}, the entry’s ${version}.`);
    },
  },
  {
    requirement: 'range.miss-is-undefined',
    title: 'a range of nothing is a miss',
    async run(env) {
      for (const range of [{ first: 0 }, { first: 5, last: 9 }, { suffix: 3 }]) {
        const got = await env.limited(
          'get of a missing key',
          env.adapter.get(env.key('nothing'), range, env.context()),
        );
        expect(got === undefined, `Range ${JSON.stringify(range)} of a missing key answered ${got?.kind}.`);
      }
    },
  },
  {
    requirement: 'range.undeclared-is-refused',
    title: 'a range is unsupported where it isn’t declared',
    async run(env) {
      const key = env.key('undeclared');
      await env.given(key, env.random.bytes(100));
      await env.expectRefusal('A get with a range', () => env.read(key, { first: 1, last: 2 }), 'unsupported');
    },
  },
];
