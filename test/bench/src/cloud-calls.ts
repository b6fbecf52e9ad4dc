import { type CacheStorage, createStorage, type EntryMetadata, type StorageAdapter } from '@tintype/core';
import { alternate } from './alternate.ts';
import type { Bench, Result } from './figure.ts';
import { spread } from './statistics.ts';

/** Bytes of a body that goes to a cloud and comes back. */
export const SIZE: number = 20 * 1024;
/** Calls under way at a time, on both sides. */
const AT_A_TIME = 4;
const BAR = 1.15;

/** Milliseconds that a call takes on both sides, on the same keys. */
export async function compareCalls(
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

/** The storage of a cloud, its public side included. */
export async function openStorage(name: string, adapter: StorageAdapter): Promise<CacheStorage> {
  const storage = createStorage(adapter, { name });
  await storage.open();
  return storage;
}

/** A get by the storage, to the last byte. */
export async function getWhole(storage: CacheStorage, key: string): Promise<void> {
  const hit = await storage.get(key);
  if (hit?.kind !== 'entry') throw new Error(`${key} is not there`);
  expectWhole(await hit.body.bytes());
}

export function expectWhole(bytes: Uint8Array): void {
  if (bytes.length !== SIZE) throw new Error(`${bytes.length} bytes came instead of ${SIZE}`);
}

export const METADATA: EntryMetadata = {
  status: 200,
  contentType: 'image/jpeg',
  etag: '"0123456789abcdef"',
  storedAt: Date.now(),
  freshUntil: Date.now() + 3_600_000,
  source: 'https://images.example.com/2026/11/a-photograph-of-something.jpg',
};

/** About as long as what the storage sends. */
export const ENCODED: string = JSON.stringify(METADATA).slice(0, 240);
