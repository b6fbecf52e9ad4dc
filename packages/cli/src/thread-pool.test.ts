import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { whyHitsWait } from './thread-pool.ts';

test.each([
  [{ transformProcesses: 1, workers: 8, processes: 1 }, undefined, undefined],
  [{ transformProcesses: 0, workers: 1, processes: 1 }, undefined, undefined],
  [{ transformProcesses: 0, workers: 2, processes: 1 }, undefined, 8],
  [{ transformProcesses: 0, workers: 2, processes: 1, cacheUse: 's3' }, undefined, undefined],
  [{ transformProcesses: 0, workers: 2, processes: 1, cacheUse: '', cacheTiers: ['memory', 'fs'] }, undefined, 8],
  [{ transformProcesses: 0, workers: 2, processes: 2 }, undefined, undefined],
  [{ transformProcesses: 0, workers: 3, processes: 2 }, '7', 8],
  [{ transformProcesses: 0, workers: 3, processes: 2 }, '8', undefined],
  [{ transformProcesses: 0, workers: 4, processes: 1 }, 'many', 16],
  [{ transformProcesses: 0, workers: undefined, processes: 1 }, '4', 8 * availableParallelism()],
])(
  'whoever transforms where hits are read is told how many threads that needs: %j, %j',
  (settings, threads, needed) => {
    const said = whyHitsWait({ cacheUse: 'fs', cacheTiers: [], ...settings }, threads);
    if (needed === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(`UV_THREADPOOL_SIZE=${needed},`);
  },
);
