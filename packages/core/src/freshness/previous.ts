import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import type { GetHit } from '../contracts/storage.ts';
import type { Version } from '../contracts/storage-adapter.ts';
import type { FreshnessRecord } from './record.ts';

/** An entry that was found, and may be too old. */
export interface Previous {
  readonly metadata: EntryMetadata;
  /** `undefined` for an entry of before there were records. */
  readonly record: FreshnessRecord | undefined;
  readonly version: Version;
  readonly size: number;
  /** All of it, unless it is large: then it is asked for again when it is needed. */
  readonly bytes: Uint8Array | undefined;
}

/** What is known of an entry. Its body is not touched. */
export function previousOf(hit: GetHit, record: FreshnessRecord | undefined): Previous {
  const { metadata, version, size, body } = hit;
  return { metadata, record, version, size, bytes: body.buffered };
}

/** The fields that ask the origin whether the source is still the one; none if it cannot tell. RFC 9111 §4.3.1. */
export function conditionsOf(previous: Previous | undefined): HttpFields | undefined {
  if (previous?.record === undefined) return undefined;
  const { sourceEtag, sourceLastModified } = previous.metadata;
  if (sourceEtag === undefined && sourceLastModified === undefined) return undefined;
  return {
    ...(sourceEtag === undefined ? {} : { 'if-none-match': sourceEtag }),
    ...(sourceLastModified === undefined ? {} : { 'if-modified-since': sourceLastModified }),
  };
}

/** Until when requests may be answered with it without waiting for another one. RFC 5861 §3. */
export function servableUntil(previous: Previous): number {
  const { freshUntil } = previous.metadata;
  return Math.max(freshUntil, previous.record?.freshness.staleWhileRevalidateUntil ?? 0);
}
