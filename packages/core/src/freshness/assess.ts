import {
  decideStore,
  type ExchangeTimes,
  type FieldPair,
  type FreshenDecision,
  type Freshness,
  fieldLines,
  freshen,
  jittered,
  parseCacheControl,
  type StoreRefusal,
} from '@tintype/http-cache';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';
import type { OriginResponse } from '../contracts/origin.ts';
import { clientControl, passedOnFields } from './client-control.ts';
import type { FreshnessPolicy } from './policy.ts';
import { asEntry, encodeRecord, type FreshnessRecord, fits } from './record.ts';

/** What an entry says of its source and of its time. */
export type SourceState = Pick<
  EntryMetadata,
  'storedAt' | 'bornAt' | 'freshUntil' | 'cacheControl' | 'headers' | 'sourceEtag' | 'sourceLastModified' | 'policy'
>;

/** How a source's answer may be used. */
export interface Assessment {
  /** Whether what is made of it may be stored, and is of any use later. */
  readonly storable: boolean;
  /** Why not. */
  readonly refusal: StoreRefusal | undefined;
  /** Whether others that asked for the same meanwhile may have it too. RFC 9111 §4. */
  readonly shareable: boolean;
  /** It must be passed on as it is. RFC 9110 §7.7. */
  readonly noTransform: boolean;
  readonly state: SourceState;
}

/** Refusals that speak of the origin's will, and not of time: then nobody else may have the answer. */
export const PERSONAL: ReadonlySet<StoreRefusal> = new Set<StoreRefusal>([
  'no-store',
  'private',
  'must-understand',
  'authorization',
  'set-cookie',
  'vary-star',
]);

/** Fields that decide about freshness, besides validators and the targeted ones. */
const DECIDING: ReadonlySet<string> = new Set(['cache-control', 'expires', 'vary']);

export interface AssessOptions {
  /** An image, or an answer that may be somebody's own page: then defaults give no lifetime. */
  readonly isImage: boolean;
  /** How long it took to get so far, in milliseconds. */
  readonly costMs?: number;
  /** In [0, 1). */
  readonly random?: number;
}

/** How the answer to a GET that carried nothing of a client may be used. */
export function assess(
  response: Pick<OriginResponse, 'status' | 'headers' | 'setsCookie'>,
  { requestedAt, receivedAt }: ExchangeTimes,
  policy: FreshnessPolicy,
  { isImage, costMs = 0, random = 0 }: AssessOptions,
): Assessment {
  const times = { requestedAt, receivedAt };
  const http = isImage ? policy.http : policy.httpForOthers;
  const all = pairsOf(response);
  const decision = decideStore(
    { request: { method: 'GET', fields: [] }, response: { status: response.status, fields: all }, ...times },
    http,
  );
  const fields = decidingFields(all, http.targets);
  const refusal = decision.store ? undefined : decision.reason;
  const freshness = decision.store ? jittered(decision.entry.freshness, policy.jitter, random) : undefined;
  const state = stateOf({ fields, freshness, costMs, all }, times, policy);
  const control = parseCacheControl(fieldLines(all, 'cache-control'));
  return {
    storable: policy.cached && freshness !== undefined && isUseful(freshness, state),
    refusal,
    shareable: refusal === undefined || !PERSONAL.has(refusal),
    noTransform: freshness?.noTransform ?? (control.noTransform && http.column.noTransformBinds),
    state,
  };
}

/** What a 304 makes of an entry's state; see {@link FreshenDecision}. */
export type Refreshed =
  | { readonly action: 'update'; readonly state: SourceState }
  /** `evict`: it must no longer be kept. */
  | {
      readonly action: 'serve-once';
      readonly state: SourceState;
      readonly evict: boolean;
      readonly refusal: StoreRefusal;
    }
  | { readonly action: 'mismatch' };

/** An entry's state after the source said that it is the same. RFC 9111 §4.3.4. */
export function refresh(
  record: FreshnessRecord,
  response: Pick<OriginResponse, 'headers' | 'setsCookie'>,
  { requestedAt, receivedAt }: ExchangeTimes,
  policy: FreshnessPolicy,
  random = 0,
): Refreshed {
  const times = { requestedAt, receivedAt };
  const decision: FreshenDecision = freshen(
    asEntry(record),
    { request: { method: 'GET', fields: [] }, fields: pairsOf(response), ...times },
    policy.http,
  );
  if (decision.action === 'mismatch') return decision;
  const all = decision.entry.fields;
  const fields = decidingFields(all, policy.http.targets);
  const { costMs } = record;
  if (decision.action === 'serve-once') {
    const state = stateOf({ fields, freshness: undefined, costMs, all }, times, policy);
    return { action: 'serve-once', state, evict: decision.evict, refusal: decision.reason };
  }
  const freshness = jittered(decision.entry.freshness, policy.jitter, random);
  return { action: 'update', state: stateOf({ fields, freshness, costMs, all }, times, policy) };
}

interface StateInput {
  readonly fields: readonly FieldPair[];
  /** `undefined` if it isn't to be kept. */
  readonly freshness: Freshness | undefined;
  readonly costMs: number;
  readonly all: readonly FieldPair[];
}

function stateOf(input: StateInput, { receivedAt }: ExchangeTimes, policy: FreshnessPolicy): SourceState {
  const { fields, freshness, costMs, all } = input;
  const bornAt = freshness?.bornAt ?? receivedAt;
  const cacheControl = clientControl(all, freshness, policy);
  const headers = passedOnFields(all);
  const keeps = freshness !== undefined && fits(fields);
  const etag = valueAt(fields, 'etag');
  const lastModified = valueAt(fields, 'last-modified');
  return {
    storedAt: receivedAt,
    // Less than a second is no age.
    ...(bornAt + 1_000 <= receivedAt ? { bornAt } : {}),
    freshUntil: freshness?.freshUntil ?? 0,
    ...(cacheControl === undefined ? {} : { cacheControl }),
    ...(headers === undefined ? {} : { headers }),
    ...(etag === undefined || !(keeps || freshness === undefined) ? {} : { sourceEtag: etag }),
    ...(lastModified === undefined || !(keeps || freshness === undefined) ? {} : { sourceLastModified: lastModified }),
    ...(freshness === undefined ? {} : { policy: encodeRecord({ freshness, fields: keeps ? fields : [], costMs }) }),
  };
}

/** Whether an entry can ever be used: while it is fresh, stale, or after it was confirmed by its validators. */
function isUseful({ freshUntil, receivedAt, staleWhileRevalidateUntil }: Freshness, state: SourceState): boolean {
  if (Math.max(freshUntil, staleWhileRevalidateUntil) > receivedAt) return true;
  return state.sourceEtag !== undefined || state.sourceLastModified !== undefined;
}

function pairsOf({ headers, setsCookie }: Pick<OriginResponse, 'headers' | 'setsCookie'>): readonly FieldPair[] {
  const pairs: FieldPair[] = [];
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) pairs.push([name.toLowerCase(), value]);
  if (setsCookie === true) pairs.push(['set-cookie', '']);
  return pairs;
}

function decidingFields(all: readonly FieldPair[], targets: readonly string[]): readonly FieldPair[] {
  return all
    .map(([name, value]): FieldPair => [name.toLowerCase(), value])
    .filter(([name]) => DECIDING.has(name) || targets.includes(name) || name === 'etag' || name === 'last-modified');
}

function valueAt(fields: readonly FieldPair[], name: string): string | undefined {
  return fields.find(([key]) => key === name)?.[1];
}
