import { type StorageKey, storageKey } from '@tintype/core';
import type { FaultProxy } from '../proxy/fault-proxy.ts';
import { bytesBody } from '../storage/bodies.ts';
import type { StorageSubject } from '../storage/harness.ts';
import { PROFILE_SIZES, type ProfiledOperation, type ProfileRow } from './profile.ts';

/** Operations of each kind that are counted: the first of a connection may cost more. */
const ROUNDS = 3;

const CONTEXT = { signal: new AbortController().signal };
const METADATA = { encoded: 'v1;requests', contentType: 'image/webp' };

/** Requests that one operation sends, by its name and the size of the body. */
export type RequestCounts = ReadonlyMap<string, number>;

/**
 * Counts the requests of each operation behind the fault proxy of the harness: what a backend is paid for, and what
 * its latency is a multiple of. Without such a proxy there is nothing to count.
 *
 * @param prefix keys begin with it; all are deleted afterwards.
 */
export async function countRequests({ network }: StorageSubject, prefix: string): Promise<RequestCounts> {
  const counts = new Map<string, number>();
  if (network === undefined) return counts;
  const { adapter, proxy } = await network();
  const written: StorageKey[] = [];
  try {
    await adapter.open(CONTEXT);
    const missing = storageKey(`${prefix}missing`);
    counts.set(
      nameOf('get-miss', 0),
      await counted(proxy, async () => void (await adapter.get(missing, undefined, CONTEXT))),
    );
    for (const size of PROFILE_SIZES.filter((size) => size <= adapter.capabilities.maxObjectBytes)) {
      const bytes = new Uint8Array(size).fill(1);
      const key = (round: number) => storageKey(`${prefix}requests/${size}/${round}`);
      for (let round = 0; round < ROUNDS; round++) written.push(key(round));
      const put = async (round: number) =>
        void (await adapter.put(key(round), bytesBody(bytes), METADATA, undefined, CONTEXT));
      const get = async (round: number) => {
        const outcome = await adapter.get(key(round), undefined, CONTEXT);
        if (outcome?.kind === 'entry') for await (const _ of outcome.body.stream());
      };
      counts.set(nameOf('put', size), await counted(proxy, put));
      counts.set(nameOf('get-hit', size), await counted(proxy, get));
    }
  } finally {
    for (const key of written) await adapter.delete(key, undefined, CONTEXT).catch(() => {});
    await adapter.close();
    await proxy.close();
  }
  return counts;
}

/** The same rows with the requests that each operation sends, where they were counted. */
export function withRequests(rows: readonly ProfileRow[], counts: RequestCounts): readonly ProfileRow[] {
  return rows.map((row) => {
    const requests = counts.get(nameOf(row.operation, row.size));
    return requests === undefined ? row : { ...row, requests };
  });
}

function nameOf(operation: ProfiledOperation, size: number): string {
  return `${operation}/${size}`;
}

/** Requests of one operation, on average. */
async function counted(proxy: FaultProxy, perform: (round: number) => Promise<void>): Promise<number> {
  const before = proxy.requests.length;
  for (let round = 0; round < ROUNDS; round++) await perform(round);
  return (proxy.requests.length - before) / ROUNDS;
}
