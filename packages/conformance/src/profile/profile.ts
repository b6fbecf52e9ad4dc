import { type StorageAdapter, type StorageKey, storageKey } from '@tintype/core';
import { Random } from '../engine/random.ts';
import { forEachLimited, settled, turn } from '../engine/waiting.ts';
import { bytesBody } from '../storage/bodies.ts';

/** What is measured. */
export type ProfiledOperation = 'get-hit' | 'get-miss' | 'put';

/** Latencies of one operation at one size and concurrency, in milliseconds. */
export interface ProfileRow {
  readonly operation: ProfiledOperation;
  /** Bytes of the body; 0 for a miss. */
  readonly size: number;
  readonly concurrency: number;
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  /** Operations per second. */
  readonly rate: number;
  /** Requests that one operation sends, on average; only where the harness has a `network` that counts them. */
  readonly requests?: number;
}

const KiB = 1024;
export const PROFILE_SIZES: readonly number[] = [KiB, 100 * KiB, 10 * KiB * KiB];
export const PROFILE_CONCURRENCIES: readonly number[] = [1, 16, 64];

export interface ProfileOptions {
  /** Keys begin with it; all are deleted afterwards. */
  readonly prefix: string;
  /** Seconds that all of it may take, about. */
  readonly budget: number;
  readonly seed: string;
}

/** What is reckoned to pass in a second, for choosing what a budget allows. */
const BYTES_PER_SECOND = 64 * KiB * KiB;

const CONTEXT = { signal: new AbortController().signal };
const METADATA = { encoded: 'v1;profile', contentType: 'image/webp' };

/** Measures an opened adapter. A report, not a test: nothing passes or fails. */
export async function profile(adapter: StorageAdapter, options: ProfileOptions): Promise<readonly ProfileRow[]> {
  const random = new Random(`${options.seed}/profile`);
  const rows: ProfileRow[] = [];
  const written = new Set<StorageKey>();
  const cells = PROFILE_SIZES.length * PROFILE_CONCURRENCIES.length * 2 + PROFILE_CONCURRENCIES.length;
  const slice = (options.budget * 1_000) / cells;
  const measured = async (
    operation: ProfiledOperation,
    size: number,
    concurrency: number,
    perform: (index: number) => Promise<void>,
  ) => {
    // One round that doesn't count: connections, caches, compilation.
    for (let index = 0; index < Math.min(concurrency, 4); index++) await perform(index);
    const times: number[] = [];
    const started = performance.now();
    await Promise.all(
      Array.from({ length: concurrency }, async (_, client) => {
        for (let index = client; ; index += concurrency) {
          const before = performance.now();
          if (before - started > slice && times.length > 0) return;
          await perform(index);
          times.push(performance.now() - before);
          // What is answered at once would let neither timers nor other clients have their turn.
          await turn();
        }
      }),
    );
    rows.push({
      operation,
      size,
      concurrency,
      samples: times.length,
      ...percentiles(times, performance.now() - started),
    });
  };
  try {
    for (const size of PROFILE_SIZES.filter((size) => size <= adapter.capabilities.maxObjectBytes)) {
      const bytes = random.bytes(size);
      // Few enough that the large ones don't fill a disk.
      const keys = Array.from({ length: size > KiB * KiB ? 4 : 64 }, (_, i) =>
        storageKey(`${options.prefix}${size}/${i}`),
      );
      for (const key of keys) written.add(key);
      const put = async (index: number) => {
        await adapter.put(keys[index % keys.length] as StorageKey, bytesBody(bytes), METADATA, undefined, CONTEXT);
      };
      await forEachLimited(keys, 4, (_, index) => put(index));
      for (const concurrency of PROFILE_CONCURRENCIES) {
        // A small budget has no room for the largest rounds.
        if (size * concurrency > options.budget * BYTES_PER_SECOND) continue;
        // Backends refuse to take writes of one key that follow too soon.
        if (adapter.capabilities.minWriteIntervalMs === 0) await measured('put', size, concurrency, put);
        await measured('get-hit', size, concurrency, async (index) => {
          const outcome = await adapter.get(keys[index % keys.length] as StorageKey, undefined, CONTEXT);
          if (outcome?.kind === 'entry') for await (const _ of outcome.body.stream());
        });
      }
    }
    const missing = storageKey(`${options.prefix}missing`);
    for (const concurrency of PROFILE_CONCURRENCIES) {
      await measured('get-miss', 0, concurrency, async () => {
        // Also where a miss is no promise, others get their turn.
        await adapter.get(missing, undefined, CONTEXT);
      });
    }
  } finally {
    await forEachLimited([...written], 8, async (key) => {
      await settled(adapter.delete(key, undefined, CONTEXT));
    });
  }
  return rows;
}

function percentiles(times: number[], elapsedMs: number): Pick<ProfileRow, 'p50' | 'p99' | 'rate'> {
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), rate: (times.length / elapsedMs) * 1_000 };
}
