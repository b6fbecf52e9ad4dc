import { type Fields, fieldLines, fieldValue } from './fields.ts';
import type { Policy } from './policy.ts';

/** A part of a representation, both ends inclusive. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

/** Which part a stored body is. RFC 9111 §3.3. */
export interface StoredPart extends ByteSpan {
  /** Bytes of the whole, where known. */
  readonly complete?: number;
  /** The `Range` that it answers, word for word: the same question has the same answer. */
  readonly asked?: string;
}

/** What a `Range` field asks for: `first-last`, `first-` or `-suffix`. RFC 9110 §14.1.2. */
export type RangeSpec = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number };

/** More ranges than this in one request are an attack, and answered with the whole. RFC 9110 §17.15. */
const MAX_RANGES = 16;

/** The ranges of a `Range` field; `undefined` if it must be ignored: another unit, or no ranges. RFC 9110 §14.2. */
export function parseRange(value: string | undefined): readonly RangeSpec[] | undefined {
  if (value === undefined || value.length > 1024) return undefined;
  const [, list] = /^\s*bytes\s*=(.*)$/i.exec(value) ?? [];
  if (list === undefined) return undefined;
  const specs: RangeSpec[] = [];
  for (const member of list.split(',')) {
    const text = member.trim();
    if (text === '') continue;
    const [, first, last] = /^(\d*)\s*-\s*(\d*)$/.exec(text) ?? [];
    if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
    const spec =
      first === '' ? { suffix: Number(last) } : { first: Number(first), last: last === '' ? undefined : Number(last) };
    // §14.1.1: a range whose last position is before its first makes the whole field invalid.
    if ('first' in spec && spec.last !== undefined && spec.last < spec.first) return undefined;
    specs.push(spec);
  }
  return specs.length === 0 || specs.length > MAX_RANGES ? undefined : specs;
}

/** Where a range lies in `size` bytes; `undefined` if no byte is in it. RFC 9110 §14.1.2. */
export function resolveRange(spec: RangeSpec, size: number): ByteSpan | undefined {
  const first = 'suffix' in spec ? Math.max(0, size - spec.suffix) : spec.first;
  const last = 'suffix' in spec ? size - 1 : Math.min(spec.last ?? size - 1, size - 1);
  return first <= last ? { first, last } : undefined;
}

/** How a request is answered from a whole body. */
export type RangeAnswer =
  /** 200 with everything: no range was asked, or what was asked is ignored. */
  | { readonly kind: 'whole' }
  /** 206 with one part. */
  | { readonly kind: 'part'; readonly span: ByteSpan; readonly contentRange: string }
  /** 206 with several, as `multipart/byteranges`. */
  | { readonly kind: 'parts'; readonly spans: readonly ByteSpan[] }
  /** 416. */
  | { readonly kind: 'unsatisfiable'; readonly contentRange: string };

/**
 * Which part of a body of `size` bytes answers a `Range`. Several ranges are answered with the whole
 * unless `multiple` is `'multipart'`; ranges that touch are one. RFC 9110 §14.2, §15.3.7, §15.5.17.
 */
export function answerRange(
  value: string | undefined,
  size: number,
  multiple: 'whole' | 'multipart' = 'whole',
): RangeAnswer {
  const specs = parseRange(value);
  if (specs === undefined) return { kind: 'whole' };
  const spans = specs.map((spec) => resolveRange(spec, size)).filter((span) => span !== undefined);
  if (spans.length === 0) return { kind: 'unsatisfiable', contentRange: `bytes */${size}` };
  const [only, ...others] = spans.length === 1 ? spans : joined(spans);
  if (only === undefined) return { kind: 'whole' };
  if (others.length > 0) return multiple === 'whole' ? { kind: 'whole' } : { kind: 'parts', spans: [only, ...others] };
  return { kind: 'part', span: only, contentRange: contentRange(only, size) };
}

/**
 * Which bytes of a stored part's body answer a request with that `Range`; `undefined` if they can't,
 * and the request must be forwarded. `span` counts from the beginning of the stored body.
 * RFC 9111 §3.3, RFC 9110 §15.3.7.
 */
export function answerFromPart(
  value: string | undefined,
  part: StoredPart,
): { readonly span: ByteSpan; readonly contentRange: string } | undefined {
  const length = part.last - part.first + 1;
  if (value !== undefined && value.trim() === part.asked) {
    return { span: { first: 0, last: length - 1 }, contentRange: contentRange(part, part.complete) };
  }
  const [spec, ...others] = parseRange(value) ?? [];
  if (spec === undefined || others.length > 0) return undefined;
  // Without the whole size, only a range with both ends says where it lies.
  if (part.complete === undefined && ('suffix' in spec || spec.last === undefined)) return undefined;
  const span = resolveRange(spec, part.complete ?? Number.MAX_SAFE_INTEGER);
  if (span === undefined || span.first < part.first || span.first > part.last) return undefined;
  // What asks for an open end may be given less: a client sees from Content-Range what it got (§15.3.7).
  const open = 'first' in spec && spec.last === undefined;
  if (span.last > part.last && !open) return undefined;
  const last = Math.min(span.last, part.last);
  return {
    span: { first: span.first - part.first, last: last - part.first },
    contentRange: contentRange({ first: span.first, last }, part.complete),
  };
}

/** A `Content-Range` value. RFC 9110 §14.4. */
export function contentRange(span: ByteSpan, complete: number | undefined): string {
  return `bytes ${span.first}-${span.last}/${complete ?? '*'}`;
}

/** A `Content-Range` that says where a part lies; `undefined` for all else. RFC 9110 §14.4. */
export function parseContentRange(value: string | undefined): StoredPart | undefined {
  const [, first, last, complete] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? '') ?? [];
  if (first === undefined || complete === undefined) return undefined;
  const span = { first: Number(first), last: Number(last) };
  if (span.last < span.first) return undefined;
  if (complete === '*') return span;
  return span.last < Number(complete) ? { ...span, complete: Number(complete) } : undefined;
}

/** The part that a 206 brings; `undefined` if it can't be told, or its length contradicts its place. RFC 9110 §15.3.7. */
export function partOf(response: Fields, request: Fields, policy: Pick<Policy, 'shortPart'>): StoredPart | undefined {
  const lines = fieldLines(response, 'content-range');
  const part = lines.length === 1 ? parseContentRange(lines[0]) : undefined;
  if (part === undefined) return undefined;
  const length = fieldValue(response, 'content-length');
  const bytes = length === undefined ? part.last - part.first + 1 : Number(length);
  const missing = part.last - part.first + 1 - bytes;
  if (!Number.isSafeInteger(bytes) || bytes < 1 || missing < 0) return undefined;
  if (missing > 0 && policy.shortPart === 'refuse') return undefined;
  const asked = fieldValue(request, 'range')?.trim();
  return { ...part, last: part.last - missing, ...(asked === undefined ? {} : { asked }) };
}

/** The `Range` that asks for what follows a stored part; `undefined` if nothing does. RFC 9111 §3.3. */
export function restOf(part: StoredPart): string | undefined {
  return part.first === 0 && part.last + 1 !== part.complete ? `bytes=${part.last + 1}-` : undefined;
}

/** The spans in order, those that overlap or touch as one. RFC 9110 §15.3.7.2. */
function joined(spans: readonly ByteSpan[]): readonly ByteSpan[] {
  const result: ByteSpan[] = [];
  for (const span of [...spans].sort((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (before === undefined || span.first > before.last + 1) result.push(span);
    else result[result.length - 1] = { first: before.first, last: Math.max(before.last, span.last) };
  }
  return result;
}
