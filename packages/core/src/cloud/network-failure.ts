import type { StorageErrorCode } from '../contracts/storage-error.ts';

/** The meaning of a failure: a code of storages, and a clause for an operator. */
export type Verdict = readonly [code: StorageErrorCode, sentence: string];

const BROKEN_OFF: Verdict = ['unavailable', 'the connection was broken off'];
const UNREACHABLE: Verdict = ['unavailable', 'the service cannot be reached'];

const BY_CODE: { readonly [code: string]: Verdict } = {
  ECONNREFUSED: ['unavailable', 'the connection was refused'],
  ENOTFOUND: ['misconfigured', 'the host name cannot be resolved; check ENDPOINT and what else the name is made of'],
  EAI_AGAIN: ['unavailable', 'the host name cannot be resolved now'],
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ECONNRESET: BROKEN_OFF,
  EPIPE: BROKEN_OFF,
  ERR_STREAM_PREMATURE_CLOSE: BROKEN_OFF,
  ETIMEDOUT: ['timeout', 'the service did not answer in time'],
};

/** The failures after which a write has certainly not happened although no answer came. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** These come of a connection that was open, too: only where it could not be made nothing was sent. */
const UNSENT_IN_CONNECT = new Set(['EHOSTUNREACH', 'ENETUNREACH']);

/**
 * What a code of the operating system, of TLS or of the HTTP parser means (`ECONNREFUSED`,
 * `CERT_HAS_EXPIRED`, `HPE_INVALID_CONSTANT`); `undefined` if it is none of these.
 */
export function networkVerdict(code: string): Verdict | undefined {
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  if (/CERT|UNABLE_TO_|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return ['misconfigured', 'no TLS connection can be made; check ENDPOINT and its certificate'];
  }
  return code.startsWith('HPE_') ? ['unavailable', 'the answer is not HTTP; check ENDPOINT'] : undefined;
}

/** What the operating system was doing when it failed, by an error or by what lies in it as its cause. */
export function syscallOf(error: unknown): unknown {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { syscall } = at as { readonly syscall?: unknown };
    if (syscall !== undefined) return syscall;
  }
  return undefined;
}

/**
 * Whether nothing of a request can have reached the service.
 *
 * @param syscall what the operating system was doing: `connect`, `read`.
 */
export function isNeverSent(code: string | undefined, syscall: unknown): boolean {
  return code !== undefined && (NEVER_SENT.has(code) || (syscall === 'connect' && UNSENT_IN_CONNECT.has(code)));
}

/** `Retry-After` in milliseconds. RFC 9110 §10.2.3: seconds, or a date. */
export function retryAfterMs(field: string | undefined, now: number = Date.now()): number | undefined {
  if (field === undefined) return undefined;
  if (/^\d+$/.test(field)) return Number(field) * 1_000;
  const at = Date.parse(field);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
