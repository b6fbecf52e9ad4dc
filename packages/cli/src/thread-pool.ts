import { availableParallelism } from 'node:os';
import type { CoreSettings } from '@tintype/core';
import { shareOf } from './serving/shares.ts';

/** Threads that libuv has unless `UV_THREADPOOL_SIZE` says otherwise. */
const LIBUV_THREADS = 4;
/** So many threads for each transform at a time leave reads of files some, as was measured. */
const THREADS_PER_TRANSFORM = 4;

/**
 * Why hits will wait for misses where images are made in the serving process: both need the one pool
 * of threads, whose size cannot be changed once the process runs.
 *
 * @param threads `UV_THREADPOOL_SIZE` of the environment.
 * @returns a sentence, or `undefined` if they will not.
 */
export function whyHitsWait(
  {
    transformProcesses,
    workers,
    processes,
    cacheUse,
    cacheTiers,
  }: Pick<CoreSettings, 'transformProcesses' | 'workers' | 'processes' | 'cacheUse' | 'cacheTiers'>,
  threads: string | undefined,
): string | undefined {
  if (transformProcesses !== 0 || ![cacheUse, ...cacheTiers].includes('fs')) return undefined;
  const transforms = shareOf(workers ?? 2 * availableParallelism(), { index: 0, of: processes });
  const needed = THREADS_PER_TRANSFORM * transforms;
  if ((Number(threads) || LIBUV_THREADS) >= needed) return undefined;
  return (
    'With TINTYPE_TRANSFORM_PROCESSES=0 hits from files that are not in the page cache wait for images that are being made, which take the same ' +
    `threads; set UV_THREADPOOL_SIZE=${needed}, or leave the transforms to processes of their own.`
  );
}
