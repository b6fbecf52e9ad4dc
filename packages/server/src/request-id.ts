import { randomBytes } from 'node:crypto';

const ACCEPTABLE = /^[A-Za-z0-9_-]{1,128}$/;

/** Of this process alone, so that ids of several processes and of several starts never meet. */
const PROCESS = randomBytes(12).toString('base64url');
let count = 0;

/**
 * The id under which a request is answered and logged: the client's `X-Request-ID` if it is 1 to 128
 * letters, digits, `_` and `-`, else a new one: 16 random characters of this process and a number.
 * Anything else is not echoed: it would let a client write into headers and logs.
 */
export function requestId(proposed: string | undefined): string {
  if (proposed !== undefined && ACCEPTABLE.test(proposed)) return proposed;
  count += 1;
  return `${PROCESS}-${count.toString(36)}`;
}
