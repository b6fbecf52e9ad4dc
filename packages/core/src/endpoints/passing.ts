import { type FieldPair, fieldLines, type Policy, parseCacheControl, unconditionalFields } from '@tintype/http-cache';
import type { ProxyRequest } from '../contracts/proxy.ts';
import type { StorageKey } from '../contracts/storage-key.ts';
import { onward } from '../pipeline/hops.ts';

/** A request on its way through an endpoint. */
export interface Passing {
  readonly request: ProxyRequest;
  readonly rest: string;
  readonly primary: StorageKey;
  /** As they will be passed on. */
  readonly fields: readonly FieldPair[];
  readonly hadCookies: boolean;
}

/** @throws RequestError 508 if this proxy has passed the request on before. RFC 8586. */
export function hopsOf({ headers }: ProxyRequest, pseudonym: string): readonly FieldPair[] {
  const { via = '', 'cdn-loop': loop = '' } = onward(headers, pseudonym);
  return [
    ['Via', via],
    ['CDN-Loop', loop],
  ];
}

/** Dropped cookies change what may be guessed of a lifetime, so that those who sent some wait for each other only. */
export const among = ({ hadCookies }: Pick<Passing, 'hadCookies'>, key: string): string =>
  hadCookies ? `${key}|c` : key;

/** Those who wait for each other if the origin's answers are for all. */
export const groupOf = (passing: Passing): string => among(passing, passing.primary);

/** Whether a request has conditions or asks for a part. */
export function isParticular(fields: readonly FieldPair[]): boolean {
  return unconditionalFields(fields).length !== fields.length;
}

/** Whether a client wants the origins asked, and that counts. RFC 9111 §5.2.1.1, §5.2.1.4. */
export function insists(fields: readonly FieldPair[], policy: Policy): boolean {
  const lines = policy.clientCacheControl === 'obey' ? fieldLines(fields, 'cache-control') : [];
  if (lines.length === 0) return false;
  const { noCache, maxAge } = parseCacheControl(lines);
  return noCache !== false || maxAge === 0;
}

/** Whether an answer of this status never has a body. RFC 9110 §6.4.1. */
export function hasNoContent(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
