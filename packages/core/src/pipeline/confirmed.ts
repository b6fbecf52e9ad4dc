import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { refresh } from '../freshness/assess.ts';
import type { Previous } from '../freshness/previous.ts';
import { readRecord } from '../freshness/record.ts';
import type { Made, Order, Workshop } from './make.ts';
import type { Fetched } from './sources.ts';

/** What the word that a source is the same makes of an entry; `undefined` if it speaks of another one. */
export function confirmed(
  { key, policy }: Pick<Order, 'key' | 'policy'>,
  previous: Previous,
  fetched: Fetched,
  { results }: Pick<Workshop, 'results'>,
): { readonly made: Made; readonly ended: Promise<unknown> } | undefined {
  const { metadata: before, record, bytes, version } = previous;
  if (record === undefined) return undefined;
  const refreshed = refresh(record, fetched.response, fetched, policy, Math.random());
  if (refreshed.action === 'mismatch') return undefined;
  const metadata: EntryMetadata = {
    status: before.status,
    contentType: before.contentType,
    etag: before.etag,
    source: before.source,
    ...(before.width === undefined ? {} : { width: before.width }),
    ...(before.height === undefined ? {} : { height: before.height }),
    ...(before.tags === undefined ? {} : { tags: before.tags }),
    ...refreshed.state,
  };
  const update = refreshed.action === 'update';
  let ended: Promise<unknown> = Promise.resolve();
  // What has to be asked about at each use is as right as before: nothing to write, but for its storage to keep it.
  if (update && (servesLater(metadata) || results?.isDue(before.storedAt, metadata.storedAt)))
    ended = results?.refresh(key, previous, metadata) ?? ended;
  else if (!update && refreshed.evict) ended = results?.remove(key, version, 'forbidden') ?? ended;
  const provenance = { shareable: true, originStatus: 304, stored: update, metadata } as const;
  const refusal = update ? {} : { refusal: refreshed.refusal };
  const made: Made =
    bytes === undefined
      ? { kind: 'kept', ...provenance, ...refusal }
      : { kind: 'variant', bytes, ...provenance, ...refusal };
  return { made, ended };
}

/** Whether an entry may be used later without asking first. */
function servesLater(metadata: EntryMetadata): boolean {
  const freshness = readRecord(metadata)?.freshness;
  if (freshness === undefined) return false;
  const { freshUntil, staleWhileRevalidateUntil, staleIfErrorUntil, staleIfDisconnectedUntil, receivedAt } = freshness;
  return Math.max(freshUntil, staleWhileRevalidateUntil, staleIfErrorUntil, staleIfDisconnectedUntil) > receivedAt;
}
