import { randomUUID } from 'node:crypto';

const ACCEPTABLE = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * The id under which a request is answered and logged: the client's `X-Request-ID` if it is 1 to 128
 * letters, digits, `_` and `-`, else a new one. Anything else is not echoed: it would let a client
 * write into headers and logs.
 */
export function requestId(proposed: string | undefined): string {
  return proposed !== undefined && ACCEPTABLE.test(proposed) ? proposed : randomUUID();
}
