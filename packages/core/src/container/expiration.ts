import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import { fromMetadata } from '../endpoints/entry-record.ts';
import { isIndex } from '../endpoints/variant-index.ts';
import { readRecord } from '../freshness/record.ts';

export const DAY_MS = 86_400_000;

/**
 * When a storage may forget an entry that is written now, in milliseconds since the epoch: so many
 * days from now, and never while the entry may still be used, fresh or stale. `undefined` for what
 * leads to other entries, which must not go before them.
 */
export function expirationOf(metadata: EntryMetadata, days: number, now: number): number | undefined {
  return isIndex(metadata) ? undefined : Math.max(now + days * DAY_MS, usableUntil(metadata));
}

/** Until when an entry may be used: of an image, of a response of an endpoint, or of what is neither. */
function usableUntil(metadata: EntryMetadata): number {
  const freshness = (readRecord(metadata) ?? fromMetadata(metadata))?.freshness;
  if (freshness === undefined) return metadata.freshUntil;
  return Math.max(
    freshness.freshUntil,
    freshness.staleWhileRevalidateUntil,
    freshness.staleIfErrorUntil,
    freshness.staleIfDisconnectedUntil,
  );
}
