import { currentAge } from './age.ts';
import { parseCacheControl } from './cache-control.ts';
import { evaluateConditions, ifRangeHolds, notModifiedFields } from './conditional.ts';
import type { CacheEntry } from './entry.ts';
import { type FieldPair, fieldLines, fieldValue, splitList, withoutFields } from './fields.ts';
import { parseHttpDate } from './http-date.ts';
import type { LifetimeBasis } from './lifetime.ts';
import type { Policy } from './policy.ts';
import { answerFromPart, answerRange, type ByteSpan } from './range.ts';
import type { RequestHead } from './store.ts';

/** A response to a client, made of an entry. */
export interface Answer {
  readonly status: number;
  readonly fields: readonly FieldPair[];
  /** Which bytes of the stored body to send: all of them without it. */
  readonly span?: ByteSpan;
  /** Whether there is a body at all. */
  readonly body: boolean;
}

/** What an answer is made of; an entry is one, and so is a result with fields of its own. */
export type Answerable = Pick<CacheEntry, 'status' | 'fields' | 'freshness' | 'part'>;

/**
 * The answer to a GET or HEAD from a stored response of `size` bytes: its conditions first, then its
 * ranges (RFC 9110 §13.2.2). `undefined` if the stored part doesn't have what is asked, and the
 * request must be forwarded (RFC 9111 §3.3).
 */
export function answerFromEntry(
  stored: Answerable,
  request: RequestHead,
  size: number,
  now: number,
  policy: Policy,
): Answer | undefined {
  const fields = downstreamFields(stored, now, policy);
  const selected = { fields: stored.fields, receivedAt: stored.freshness.receivedAt };
  const range = request.method === 'GET' ? fieldValue(request.fields, 'range') : undefined;
  const ranged = range !== undefined && ifRangeHolds(request.fields, selected) ? range : undefined;
  const part = stored.part === undefined ? undefined : answerFromPart(ranged, stored.part);
  if (stored.part !== undefined && part === undefined) return undefined;
  const ok = stored.status === 200 || stored.status === 206;
  // RFC 9110 §13.2.1: conditions and ranges are for what would have been a success.
  if (ok && evaluateConditions(request, selected) === 'not-modified') {
    return { status: 304, fields: notModifiedFields(fields), body: false };
  }
  if (part !== undefined) return partial(fields, part.span, part.contentRange);
  if (stored.status === 200 && ranged !== undefined) {
    const answer = answerRange(ranged, size);
    if (answer.kind === 'part') return partial(fields, answer.span, answer.contentRange);
    if (answer.kind === 'unsatisfiable') {
      // What only this range asked for would be kept for the URL by caches that don't know better.
      const kept = fields.filter(
        ([name]) => !OF_WHOLE.has(name.toLowerCase()) && !/(?:cache|surrogate)-control$/i.test(name),
      );
      const own: readonly FieldPair[] = [
        ['Cache-Control', 'no-store'],
        ['Content-Range', answer.contentRange],
        ['Content-Length', '0'],
      ];
      return { status: 416, fields: [...kept, ...own], body: false };
    }
  }
  return { status: stored.status, fields, body: request.method !== 'HEAD' && stored.status !== 204 };
}

/** Fields that a 416 has none of: they speak of the whole that is not sent, and of its time. RFC 9110 §15.5.17. */
const OF_WHOLE: ReadonlySet<string> = new Set([
  ...['content-length', 'content-type', 'content-encoding', 'etag', 'last-modified', 'expires', 'age'],
]);

function partial(fields: readonly FieldPair[], span: ByteSpan, contentRange: string): Answer {
  const length = span.last - span.first + 1;
  const kept = withoutFields(fields, new Set(['content-length', 'content-range']));
  const own: readonly FieldPair[] = [
    ['Content-Range', contentRange],
    ['Content-Length', String(length)],
  ];
  return { status: 206, fields: [...kept, ...own], span, body: true };
}

/** Fields that are for this cache alone: the targets that only it obeys. RFC 9213 §2.2, D20. */
const SHARED_TARGETS: ReadonlySet<string> = new Set(['cdn-cache-control']);

/**
 * The stored fields as clients get them: with a truthful `Age` (RFC 9111 §4, §5.1), `Date` untouched,
 * `Cache-Control` as the policy has it, and without the fields for this cache alone.
 */
export function downstreamFields(
  stored: Pick<CacheEntry, 'fields' | 'freshness' | 'status'>,
  now: number,
  policy: Policy,
): readonly FieldPair[] {
  const own = policy.column.targetedFields ? policy.targets.filter((name) => !SHARED_TARGETS.has(name)) : [];
  const fields = withoutFields(stored.fields, new Set(['age', ...own]));
  const age: FieldPair = ['Age', String(currentAge(stored.freshness.bornAt, now))];
  // The time in browsers is for what went well: an error must not outlive its cause there.
  const sent = stored.status < 400 ? policy : { ...policy, browserTtl: undefined };
  return [...withBrowserTtl(fields, sent, stored.freshness.basis), age];
}

/**
 * The fields with `Cache-Control` as browsers shall get it; the same pairs if there is nothing to
 * change. `max-age` is lengthened to the browser TTL and never shortened, and what mustn't be stored
 * or must be revalidated stays so. Under an operator's lifetime with origin cache control off, the
 * origin's directives are replaced. Cloudflare: browser TTL, edge TTL (A3), C4, D16.
 */
export function withBrowserTtl(
  fields: readonly FieldPair[],
  policy: Policy,
  basis?: LifetimeBasis,
): readonly FieldPair[] {
  const { browserTtl, column } = policy;
  const lines = fieldLines(fields, 'cache-control');
  if (!policy.originCacheControl && basis === 'edge-ttl') {
    const others = withoutFields(fields, new Set(['cache-control', 'expires']));
    return [...others, ['Cache-Control', `max-age=${browserTtl ?? policy.edgeTtl ?? 0}`]];
  }
  if (browserTtl === undefined && (column.passesImmutable || lines.length === 0)) return fields;
  const control = parseCacheControl(lines);
  const lengthened = browserTtl === undefined || control.noStore || control.noCache === true ? undefined : browserTtl;
  const dropped = new Set<string>();
  if (!column.passesImmutable) dropped.add('immutable');
  if (lengthened !== undefined) dropped.add('max-age');
  if (lengthened !== undefined && !column.browserTtlKeepsPrivate) dropped.add('private');
  const members = lines
    .flatMap((line) => splitList(line))
    .filter((member) => member !== '' && !dropped.has(nameOf(member)));
  if (lengthened !== undefined) {
    members.push(`max-age=${Math.max(lengthened, control.maxAge ?? expiresIn(fields))}`);
  }
  const others = withoutFields(fields, new Set(['cache-control']));
  return members.length === 0 ? others : [...others, ['Cache-Control', members.join(', ')]];
}

/** What `Expires` would be as `max-age`. RFC 9111 §4.2.1. */
function expiresIn(fields: readonly FieldPair[]): number {
  const date = parseHttpDate(fieldValue(fields, 'date'), 0);
  const expires = parseHttpDate(fieldValue(fields, 'expires'), 0);
  return date === undefined || expires === undefined ? 0 : Math.max(0, Math.floor((expires - date) / 1000));
}

const nameOf = (member: string): string => (member.split('=', 1)[0] ?? '').trim().toLowerCase();
