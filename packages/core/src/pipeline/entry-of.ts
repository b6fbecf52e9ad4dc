import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { SourceState } from '../freshness/assess.ts';

/** What an entry says of its source and its age, whatever is made of it. */
export function entryOf(request: ImageRequest, state: SourceState): Omit<EntryMetadata, 'contentType' | 'etag'> {
  return { status: 200, source: request.source, ...state };
}
