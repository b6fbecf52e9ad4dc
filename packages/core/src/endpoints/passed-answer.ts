import { type CacheStatus, cacheStatus, type FieldPair, fieldValue, withoutFields } from '@tintype/http-cache';
import type { ByteStream } from '../contracts/body.ts';
import type { CacheOutcome } from '../contracts/observer.ts';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import type { Problem } from '../pipeline/problem.ts';
import { problemResponse } from '../pipeline/respond.ts';

/** How a request was handled, without the name of the cache. RFC 9211. */
export type Handling = Omit<CacheStatus, 'cache'>;

/** An answer that is passed on, with this cache's member behind those of caches nearer to the origin. RFC 9211 §2. */
export function passedAnswer(
  status: number,
  fields: readonly FieldPair[],
  body: ProxyResponse['body'],
  handling: Handling,
): ProxyResponse {
  const earlier = fieldValue(fields, 'cache-status');
  const others = earlier === undefined ? fields : withoutFields(fields, new Set(['cache-status']));
  const all: readonly FieldPair[] = [...others, ['Cache-Status', statusField(handling, earlier)]];
  return { status, headers: inRecord(all), fields: all, body, cache: outcomeOf(handling) };
}

/** An answer of our own: what went wrong, in a sentence. */
export function problemAnswer(request: ProxyRequest, problem: Problem, handling: Handling): ProxyResponse {
  const answer = problemResponse(request, problem, outcomeOf(handling));
  return { ...answer, headers: { ...answer.headers, 'cache-status': statusField(handling) } };
}

/** The bytes from `first` to `last`, both inclusive, of a stream; it is ended behind them. */
export function slice(stream: ByteStream, first: number, last: number): ByteStream {
  const chunks = stream[Symbol.asyncIterator]();
  let at = 0;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    while (at <= last) {
      const chunk = await chunks.next();
      if (chunk.done === true) return chunk;
      const begin = at;
      at += chunk.value.length;
      if (at > first) return { done: false, value: chunk.value.subarray(Math.max(0, first - begin), last + 1 - begin) };
    }
    return finish();
  };
  const finish = async (): Promise<IteratorResult<Uint8Array>> => {
    at = last + 1;
    await chunks.return?.();
    return { done: true, value: undefined };
  };
  // No generator: one that never began would release nothing when it is given up.
  return { [Symbol.asyncIterator]: () => ({ next, return: finish }) };
}

function statusField(handling: Handling, earlier?: string): string {
  return cacheStatus({ cache: 'Tintype', ...handling }, earlier);
}

function outcomeOf({ hit, fwd, ttl = 0, collapsed = false, stored = false }: Handling): CacheOutcome {
  if (hit === true) return { kind: 'hit', ttl };
  if (fwd === undefined) return { kind: 'refused' };
  if (fwd === 'bypass' || fwd === 'method') return { kind: 'bypass' };
  return { kind: 'miss', reason: fwd === 'stale' ? 'stale' : 'uri-miss', collapsed, stored };
}

/** For front ends that know no duplicates. */
function inRecord(fields: readonly FieldPair[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null);
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const before = record[key];
    record[key] = before === undefined ? value : `${before}, ${value}`;
  }
  return record;
}
