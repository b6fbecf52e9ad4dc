import { isNoCache, remainingTtl } from '@tintype/http-cache';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import { readRecord } from '../freshness/record.ts';
import type { Made } from './make.ts';

/** Refusals that tell who debugs a cache something about the origin. */
const TELLING: ReadonlySet<string> = new Set([
  'no-store',
  'private',
  'no-cache',
  'must-understand',
  'authorization',
  'set-cookie',
  'vary-star',
]);

/** Why it isn't kept, or why it had to be asked about: Cloudflare C2. */
export function detailOf({ originStatus, refusal, metadata }: Made): { readonly detail?: string } {
  if (refusal !== undefined) return TELLING.has(refusal) ? { detail: refusal } : {};
  if (originStatus !== 304 || metadata.freshUntil !== 0) return {};
  const freshness = readRecord(metadata)?.freshness;
  return freshness !== undefined && isNoCache(freshness) ? { detail: 'no-cache' } : {};
}

/** The outcome of an answer with what is too old. */
export function staleOutcome({ freshUntil }: EntryMetadata, detail: 'swr' | 'sie', now: number): CacheOutcome {
  return { kind: 'hit', ttl: remainingTtl(freshUntil, now), detail };
}
