import { randomBytes } from 'node:crypto';
import { type CacheStorage, createStorage, type EntryMetadata, type StorageAdapter } from '@tintype/core';
import { type RunningServer, serverForTest } from '@tintype-test/servers';
import { alternate } from '../alternate.ts';
import type { Bench, Figure, Result } from '../figure.ts';
import { spread } from '../statistics.ts';

/** The bucket in which both sides work. */
export const BUCKET = 'bench';

const SIZE = 20 * 1024;
/** Calls under way at a time, on both sides. */
const AT_A_TIME = 4;
const BAR = 1.15;

/** A storage of a cloud, and its SDK without it. */
export interface CloudCalls {
  /** `S3` */
  readonly cloud: string;
  /** Its id: `s3`. */
  readonly id: string;
  readonly server: string;
  adapter(server: RunningServer): StorageAdapter;
  /** The SDK with a bucket `BUCKET`; what it puts has metadata as long as what the storage sends. */
  bare(server: RunningServer): Promise<BareSdk>;
}

/** The bare SDK, doing what a storage does. */
export interface BareSdk {
  put(key: string, bytes: Buffer): Promise<unknown>;
  get(key: string): Promise<Uint8Array>;
  close?(): void;
}

/** Puts and gets of 20 KiB by the storage, its public side included, against the bare SDK doing the same. */
export function cloudCalls(calls: CloudCalls): Figure {
  return {
    name: `${calls.id}-calls`,
    title: `${calls.cloud}: put and get of 20 KiB against the bare SDK, on ${calls.server}`,
    async measure(bench) {
      const { server, missing } = await serverForTest(calls.server);
      if (server === undefined) throw new Error(missing);
      try {
        return await measureOn(bench, calls, server);
      } finally {
        await server.stop();
      }
    },
  };
}

async function measureOn(bench: Bench, calls: CloudCalls, server: RunningServer): Promise<readonly Result[]> {
  const bare = await calls.bare(server);
  const storage: CacheStorage = createStorage(calls.adapter(server), { name: calls.id });
  await storage.open();
  const body = randomBytes(SIZE);
  try {
    const put = await compare(
      bench,
      'put',
      (key) => storage.put(key, body, METADATA),
      (key) => bare.put(key, body),
    );
    const get = await compare(
      bench,
      'get',
      async (key) => {
        const hit = await storage.get(key);
        if (hit?.kind !== 'entry') throw new Error(`${key} is not there`);
        expectWhole(await hit.body.bytes());
      },
      async (key) => expectWhole(await bare.get(key)),
    );
    return [put, get];
  } finally {
    await storage.close();
    bare.close?.();
  }
}

/** Milliseconds that a call takes on both sides, on the same keys. */
async function compare(
  bench: Bench,
  what: string,
  ours: (key: string) => Promise<unknown>,
  reference: (key: string) => Promise<unknown>,
): Promise<Result> {
  const pairs = await alternate(
    bench,
    what,
    () => time(bench, 'ours', ours),
    () => time(bench, 'bare', reference),
  );
  const middle = (side: 'ours' | 'reference') => spread(pairs.map((pair) => pair[side])).median.toFixed(2);
  return {
    what: `${what} of 20 KiB, ${AT_A_TIME} at a time`,
    ratio: spread(pairs.map((pair) => pair.ours / pair.reference)),
    bar: { atMost: BAR },
    detail: `${middle('ours')} / ${middle('reference')} ms a call`,
  };
}

/** Keys in use: enough that calls do not meet, few enough that every get finds what a put has made. */
const KEYS = 64;

async function time(bench: Bench, side: string, call: (key: string) => Promise<unknown>): Promise<number> {
  let number = 0;
  const until = async (end: () => boolean) => {
    const worker = async () => {
      while (!end()) await call(`${side}/${number++ % KEYS}`);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  };
  // Every key once, so that connections are open and the code is compiled.
  await until(() => number >= KEYS);
  const before = number;
  const start = performance.now();
  await until(() => performance.now() - start >= bench.seconds * 1_000);
  return (performance.now() - start) / ((number - before) / AT_A_TIME);
}

function expectWhole(bytes: Uint8Array): void {
  if (bytes.length !== SIZE) throw new Error(`${bytes.length} bytes came instead of ${SIZE}`);
}

const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/jpeg',
  etag: '"0123456789abcdef"',
  storedAt: Date.now(),
  freshUntil: Date.now() + 3_600_000,
  source: 'https://images.example.com/2026/11/a-photograph-of-something.jpg',
};

/** Metadata for the bare SDK, about as long as what the storage sends. */
export const ENCODED: string = JSON.stringify(METADATA).slice(0, 240);
