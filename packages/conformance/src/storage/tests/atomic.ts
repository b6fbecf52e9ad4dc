import type { StorageKey, StoredMetadata } from '@tintype/core';
import { RequirementBroken } from '../../engine/outcome.ts';
import { settled, turn } from '../../engine/waiting.ts';
import { CHUNK, gatedBody, pieces, streamBody } from '../bodies.ts';
import { bytesDiffer, difference, type Expected, hasCode, metadataOf } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

const KiB = 1024;

/** Two entries that differ in every byte and in length. */
function twoEntries(): { readonly old: Whole; readonly next: Whole } {
  const old = { bytes: new Uint8Array(300 * KiB).fill(1), metadata: metadataOf('old') };
  const next = { bytes: new Uint8Array(410 * KiB).fill(2), metadata: metadataOf('next') };
  return { old, next };
}

interface Whole {
  readonly bytes: Uint8Array;
  readonly metadata: StoredMetadata;
}

/** How far a half-way body got: the start, a byte, buffers, all but its end. */
const GATES = [0, 1, CHUNK, 200 * KiB, 410 * KiB];

/** Why an entry is neither of `allowed`; `undefined` if it is one of them, body and metadata. */
async function neither(env: StorageEnv, key: StorageKey, allowed: readonly Expected[]): Promise<string | undefined> {
  const seen = await env.read(key);
  const problems = allowed.map((one) => difference(seen, one));
  return problems.includes(undefined) ? undefined : problems.filter((problem) => problem !== undefined).join('; or ');
}

export const atomicTests: readonly StorageTest[] = [
  {
    requirement: 'atomic.overwrite-is-whole',
    title: 'readers see the old entry while an overwrite waits in the middle of its body',
    async run(env) {
      const { old, next } = twoEntries();
      for (const at of GATES) {
        const key = env.key(`whole/${at}`);
        await env.given(key, old.bytes, old.metadata);
        const body = gatedBody(next.bytes, at);
        const putting = settled(env.put(key, body, { metadata: next.metadata }));
        await env.limited('A put', Promise.race([body.reached, putting]));
        let problem: string | undefined;
        for (let i = 0; i < 5 && problem === undefined; i++) {
          await turn();
          // A miss is the gap's own requirement.
          const seen = await env.read(key);
          if (seen !== undefined) problem = difference(seen, { bytes: old.bytes });
        }
        body.release();
        const outcome = await putting;
        expect(problem === undefined, `While an overwrite stood at byte ${at}: ${problem}.`);
        if (!outcome.ok) throw outcome.error;
        await env.expectEntry(key, { bytes: next.bytes }, 'after the overwrite');
      }
    },
  },
  {
    requirement: 'atomic.overwrite-has-no-gap',
    title: 'readers in a loop never miss an entry that is being overwritten',
    async run(env) {
      const key = env.key('gapless');
      const bodies = [env.random.bytes(2000), env.random.bytes(100 * KiB)];
      await env.given(key, bodies[0] ?? new Uint8Array(1));
      let writing = true;
      let reads = 0;
      let misses = 0;
      const readers = Array.from({ length: 4 }, async (_, index) => {
        while (writing) {
          const look = () => (index % 2 === 0 ? env.stat(key) : env.read(key));
          // Where readers converge only after a while, one may come in the moment of a change.
          const seen = (await look()) ?? (env.settleMs > 0 ? await look() : undefined);
          reads++;
          if (seen === undefined) misses++;
          await turn();
        }
      });
      const writer = settled(async () => {
        for (let i = 0; i < env.times(40, 15); i++) {
          const bytes = bodies[i % 2] ?? new Uint8Array(1);
          await env.put(key, i % 3 === 0 ? streamBody(pieces(bytes, 20_000)) : bytes);
          await turn();
        }
        // Half-way through an overwrite that takes its time.
        const body = gatedBody(bodies[1] ?? new Uint8Array(1), CHUNK);
        const putting = env.put(key, body);
        await Promise.race([body.reached, settled(putting)]);
        for (let i = 0; i < 10; i++) await turn();
        body.release();
        await putting;
      });
      const outcome = await writer;
      writing = false;
      const read = await settled(Promise.all(readers));
      expect(misses === 0, `${misses} of ${reads} reads missed an entry that was there all the time.`);
      if (!outcome.ok) throw outcome.error;
      if (!read.ok) throw read.error;
    },
  },
  {
    requirement: 'atomic.creation-is-hidden',
    title: 'a new entry is a miss until its body is complete',
    async run(env) {
      const { next } = twoEntries();
      for (const at of GATES) {
        const key = env.key(`hidden/${at}`);
        const body = gatedBody(next.bytes, at);
        const putting = settled(env.put(key, body));
        await env.limited('A put', Promise.race([body.reached, putting]));
        await turn();
        const seen = await settled(env.read(key));
        const stat = await settled(env.stat(key));
        body.release();
        await putting;
        const what = `while its put stood at byte ${at} of ${next.bytes.length}`;
        expect(seen.ok && seen.value === undefined, `get did not miss the entry ${what}.`);
        expect(stat.ok && stat.value === undefined, `stat did not miss the entry ${what}.`);
      }
    },
  },
  {
    requirement: 'atomic.body-with-its-metadata',
    title: 'what readers see during overwrites always belongs together',
    async run(env) {
      const key = env.key('pairs');
      const sizes = [500, 60 * KiB, 200 * KiB];
      const make = (i: number) => {
        const bytes = new Uint8Array(sizes[i % 3] ?? 1).fill(i & 0xff);
        return { bytes, metadata: metadataOf(`pair-${i & 0xff}-${bytes.length}`) };
      };
      const first = make(0);
      await env.given(key, first.bytes, first.metadata);
      let writing = true;
      const problems: string[] = [];
      const readers = Array.from({ length: 4 }, async (_, index) => {
        while (writing && problems.length === 0) {
          if (index === 0) {
            const stat = await env.stat(key);
            const told = stat?.metadata.encoded.split('-').at(-1);
            if (stat !== undefined && told !== String(stat.size)) {
              problems.push(`stat says ${stat.size} bytes with the metadata of a body of ${told}`);
            }
          } else {
            const seen = await env.read(key);
            const [, fill = '', size = ''] = seen?.metadata.encoded.split('-') ?? [];
            if (seen === undefined) continue;
            const expected = new Uint8Array(Number(size)).fill(Number(fill));
            const differ = bytesDiffer(seen.bytes, expected);
            if (differ !== undefined) problems.push(`the metadata is of put ${fill}, the body has ${differ}`);
            if (seen.size !== expected.length) problems.push(`get says ${seen.size} bytes of ${expected.length}`);
          }
          await turn();
        }
      });
      const writer = settled(async () => {
        for (let i = 1; i <= env.times(60, 20); i++) {
          const { bytes, metadata } = make(i);
          await env.put(key, i % 3 === 0 ? streamBody(pieces(bytes)) : bytes, { metadata });
          await turn();
        }
      });
      const outcome = await writer;
      writing = false;
      const read = await settled(Promise.all(readers));
      expect(problems.length === 0, `A reader saw a mixture: ${problems[0]}.`);
      if (!outcome.ok) throw outcome.error;
      if (!read.ok) throw read.error;
    },
  },
  {
    requirement: 'atomic.reader-keeps-its-entry',
    title: 'a body that is half read stays what it was while the entry is overwritten',
    async run(env) {
      for (const size of [100, 2 * 1024 * KiB]) {
        const bytes = new Uint8Array(size).fill(1);
        const key = env.key(`held/${size}`);
        await env.given(key, bytes);
        await halfRead(env, key, bytes, () => env.put(key, new Uint8Array(size + 5).fill(2)));
      }
    },
  },
  {
    requirement: 'atomic.reader-survives-delete',
    title: 'a body that is half read ends whole or throws when the entry is deleted',
    async run(env) {
      for (const size of [100, 2 * 1024 * KiB]) {
        const bytes = env.random.bytes(size);
        const key = env.key(`deleted/${size}`);
        await env.given(key, bytes);
        await halfRead(env, key, bytes, () => env.delete(key));
      }
    },
  },
  {
    requirement: 'atomic.interleaved-puts',
    title: 'two puts of one key whose bodies take turns leave one whole entry',
    async run(env) {
      const { old, next } = twoEntries();
      for (const order of ['first', 'second'] as const) {
        const key = env.key(`interleaved/${order}`);
        const one = gatedBody(old.bytes, CHUNK);
        const two = gatedBody(next.bytes, 2 * CHUNK);
        const puts = [
          settled(env.put(key, one, { metadata: old.metadata })),
          settled(env.put(key, two, { metadata: next.metadata })),
        ];
        // A storage that takes one writer after another never opens the second.
        await Promise.race([Promise.all([one.reached, two.reached]), idle(), ...puts]);
        (order === 'first' ? one : two).release();
        await Promise.race([puts[order === 'first' ? 0 : 1], idle()]);
        (order === 'first' ? two : one).release();
        const outcomes = await Promise.all(puts);
        if (!outcomes.some((outcome) => outcome.ok)) throw new RequirementBroken('Both puts failed.');
        await env.eventually(async () => {
          const problem = await neither(env, key, [old, next]);
          return problem && `After two interleaved puts: ${problem}.`;
        });
      }
    },
  },
  {
    requirement: 'atomic.delete-during-put',
    title: 'a delete while a put is half-way leaves the new entry whole, or none',
    async run(env) {
      const { old, next } = twoEntries();
      for (const at of GATES) {
        const key = env.key(`delete/${at}`);
        await env.given(key, old.bytes, old.metadata);
        const body = gatedBody(next.bytes, at);
        const putting = settled(env.put(key, body, { metadata: next.metadata }));
        await env.limited('A put', Promise.race([body.reached, putting]));
        const deleting = settled(env.delete(key));
        await Promise.race([deleting, idle()]);
        body.release();
        const outcome = await putting;
        await deleting;
        // A backend that orders by time may refuse a put that began before the delete: it had no effect.
        if (!outcome.ok && !hasCode(outcome.error, 'conflict')) throw outcome.error;
        await env.eventually(async () => {
          if ((await env.read(key)) === undefined) return undefined;
          const problem = await neither(env, key, [next]);
          return problem && `After a delete during a put: ${problem}.`;
        });
      }
    },
  },
];

/** Some turns of the event loop: enough for what is going to happen without a gate to happen. */
async function idle(): Promise<void> {
  for (let i = 0; i < 30; i++) await turn();
}

/** Reads a body, does something to its entry after the first chunk, and reads on. */
async function halfRead(
  env: StorageEnv,
  key: StorageKey,
  bytes: Uint8Array,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const entry = await env.limited(`get(${key})`, env.adapter.get(key, undefined, env.context()));
  if (entry?.kind !== 'entry') throw new RequirementBroken(`get(${key}) answered ${entry?.kind ?? 'a miss'}.`);
  const chunks: Uint8Array[] = [];
  const reading = await settled(async () => {
    for await (const chunk of entry.body.stream()) {
      if (chunks.length === 0) await meanwhile();
      chunks.push(chunk);
    }
  });
  await entry.body.discard();
  // To fail is allowed; to end with anything else than the entry is not.
  const differ = reading.ok ? bytesDiffer(Buffer.concat(chunks), bytes) : undefined;
  expect(differ === undefined, `A body that was half read went on with ${differ}.`);
}
