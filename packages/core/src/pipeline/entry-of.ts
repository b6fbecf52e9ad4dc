import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { OriginResponse } from '../contracts/origin.ts';

/** What an entry says of its source and its age, whatever is made of it. */
export function entryOf(
  request: ImageRequest,
  response: OriginResponse,
  now: number,
  ttlMs: number,
): Omit<EntryMetadata, 'contentType' | 'etag'> {
  const etag = response.headers.etag;
  const lastModified = response.headers['last-modified'];
  return {
    status: 200,
    storedAt: now,
    freshUntil: now + ttlMs,
    source: request.source,
    ...(etag === undefined ? {} : { sourceEtag: etag }),
    ...(lastModified === undefined ? {} : { sourceLastModified: lastModified }),
  };
}
