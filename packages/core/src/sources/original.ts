import { currentAge } from '@tintype/http-cache';
import { BufferedBody } from '../bodies.ts';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import { assess, type SourceState } from '../freshness/assess.ts';
import type { FreshnessPolicy } from '../freshness/policy.ts';
import { readRecord } from '../freshness/record.ts';
import { isImageType } from '../pipeline/raw-source.ts';
import type { Fetched } from '../pipeline/sources.ts';

/** What an original is wanted for. */
export interface SourceUse extends Pick<ImageRequest, 'mode' | 'cachebuster'> {
  /** That of the image: how long a copy may be used for it, and whether it may at all. */
  readonly policy: FreshnessPolicy;
}

/** An original without its body. */
export interface Head {
  readonly metadata: EntryMetadata;
  readonly requestedAt: number;
}

/** What is kept of an original beside its bytes. */
export function metadataOf(source: string, headers: HttpFields, state: SourceState): EntryMetadata {
  return {
    status: 200,
    contentType: headers['content-type'] ?? 'application/octet-stream',
    etag: headers.etag ?? '',
    source,
    ...state,
  };
}

/** Whether only an image is made of it, or it is passed on and says that it is one. */
export function isImageFor({ mode }: SourceUse, contentType: string | undefined): boolean {
  return mode === 'transform' || isImageType(contentType);
}

/**
 * Until when a copy may be used for an image: by that image's own policy, whatever the one was by which the
 * copy was stored. What is made of the copy ends at the same moment, so that it is never born too old.
 */
export function freshUntil(metadata: EntryMetadata, use: SourceUse): number {
  if (readRecord(metadata) === undefined) return 0;
  const head = { metadata, requestedAt: requestedAt(metadata) };
  const { response, ...times } = answer(head, undefined, () => new BufferedBody(new Uint8Array(0)));
  const isImage = isImageFor(use, metadata.contentType);
  const { storable, state } = assess(response, times, use.policy, { isImage });
  return storable ? state.freshUntil : 0;
}

/** When its origin was asked for it. */
export function requestedAt(metadata: EntryMetadata): number {
  return readRecord(metadata)?.freshness.requestedAt ?? metadata.storedAt;
}

/**
 * An original as its origin answered it: with the times of then and the age that it had, so that what is
 * made of it lives as long as the original. Who has the same already gets 304.
 */
export function answer(
  head: Head,
  conditions: HttpFields | undefined,
  body: () => Fetched['response']['body'],
): Fetched {
  const { metadata, requestedAt } = head;
  const { storedAt: receivedAt, bornAt = receivedAt, sourceEtag, sourceLastModified } = metadata;
  const fields = readRecord(metadata)?.fields ?? [];
  const headers: Record<string, string> = { ...Object.fromEntries(fields), 'content-type': metadata.contentType };
  if (bornAt < receivedAt) headers.age = String(currentAge(bornAt, receivedAt));
  if (sourceEtag !== undefined) headers.etag = sourceEtag;
  if (sourceLastModified !== undefined) headers['last-modified'] = sourceLastModified;
  const tag = conditions?.['if-none-match'];
  const date = conditions?.['if-modified-since'];
  const isSame = tag === undefined ? date !== undefined && date === sourceLastModified : tag === sourceEtag;
  const response = isSame
    ? { status: 304, headers, body: new BufferedBody(new Uint8Array(0)) }
    : { status: 200, headers, body: body() };
  return { response, requestedAt, receivedAt };
}
