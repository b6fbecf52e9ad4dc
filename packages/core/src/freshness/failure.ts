import { decideFailure, type OriginFailure } from '@tintype/http-cache';
import { RequestError } from '../contracts/dialect.ts';
import { OriginError } from '../contracts/origin.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { TransformError } from '../contracts/transformer.ts';
import type { FreshnessPolicy } from './policy.ts';
import type { FreshnessRecord } from './record.ts';

/** The origin's status, of an error that `originFailed` made. */
const statuses = new WeakMap<object, number>();

/** Notes which status of an origin an error stands for. */
export function withOriginStatus<E extends object>(error: E, status: number): E {
  statuses.set(error, status);
  return error;
}

/**
 * What a failure (an error, or an origin's status) is for a stored answer that might stand in: a status, the origin's silence, or
 * `undefined` where it is the request that is at fault. Our own overload is a 503 like any other: an
 * error is whatever would give a 500, 502, 503 or 504. RFC 5861 §4.
 */
export function failureOf(error: unknown): OriginFailure | undefined {
  if (typeof error === 'number') return error;
  if (typeof error === 'object' && error !== null) {
    const status = statuses.get(error);
    if (status !== undefined) return status;
  }
  if (OriginError.is(error)) {
    return error.code === 'refused' || error.code === 'invalid-source' || error.code === 'too-large'
      ? undefined
      : 'disconnected';
  }
  if (TransformError.is(error)) {
    return error.code === 'overloaded' || error.code === 'crashed' || error.code === 'timeout' ? 503 : undefined;
  }
  if (RequestError.is(error)) return error.status >= 500 ? error.status : undefined;
  return StorageError.is(error) ? undefined : 500;
}

/** Whether an entry may be used although it is too old, because of this error. RFC 9111 §4.2.4, RFC 5861 §4. */
export function mayStandIn(
  record: FreshnessRecord | undefined,
  error: unknown,
  now: number,
  { http }: FreshnessPolicy,
): boolean {
  const failure = failureOf(error);
  if (record === undefined || failure === undefined) return false;
  return decideFailure(record.freshness, failure, [], now, http).action === 'serve';
}
