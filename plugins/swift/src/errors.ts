import {
  isNeverSent,
  networkVerdict,
  retryAfterMs,
  StorageError,
  type StorageErrorInit,
  syscallOf,
  type Verdict,
} from '@tintype/core';

const SLOW = 'the service asks for fewer requests';
const LATE = 'the service did not answer in time';
const NOT_SWIFT = 'the answer is not what Swift answers';

/** By the status of an answer of Swift, or of what stands in front of it. */
const BY_STATUS: { readonly [status: number]: Verdict } = {
  401: ['access-denied', 'a new token is not accepted either; check AUTH_URL and REGION'],
  403: ['access-denied', 'the user may not do this; it needs the right to read, write and list the container'],
  404: ['misconfigured', 'there is no such container'],
  408: ['timeout', 'the service waited too long for the request'],
  409: ['conflict', 'another write got in between'],
  411: ['unsupported', 'the service does not take bodies of unknown length'],
  412: ['precondition-failed', 'the condition does not hold'],
  413: ['too-large', 'the entry is larger than the service takes, or than what is left of a quota'],
  429: ['rate-limited', SLOW],
  498: ['rate-limited', SLOW],
  499: ['unavailable', 'the service saw the connection end'],
  501: ['unsupported', 'the service does not know this operation'],
  503: ['unavailable', 'the service is not available'],
  504: ['timeout', LATE],
  507: ['no-space', 'the service has no space left'],
};

/** By the status of an answer of the identity service. */
const LOGIN_BY_STATUS: { readonly [status: number]: Verdict } = {
  400: ['misconfigured', 'the identity service does not understand the login; check AUTH_VERSION, TENANT and DOMAIN'],
  401: ['access-denied', 'the login is not accepted; check USERNAME and API_KEY, and with Keystone TENANT and DOMAIN'],
  403: ['access-denied', 'the user may not log in'],
  408: ['timeout', LATE],
  429: ['rate-limited', 'the identity service asks for fewer logins'],
  498: ['rate-limited', 'the identity service asks for fewer logins'],
  504: ['timeout', 'the identity service did not answer in time'],
};

/** What undici says in words of its own, as the operating system would. */
const AS_NETWORK: { readonly [code: string]: string } = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_BODY_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ECONNRESET',
  UND_ERR_CLOSED: 'ECONNRESET',
  UND_ERR_DESTROYED: 'ECONNRESET',
  ESOCKETTIMEDOUT: 'ETIMEDOUT',
};

/** An answer with a status that is not among the expected ones. */
export class SwiftRefusal extends Error {
  override readonly name = 'SwiftRefusal';
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Swift's name of the request, for its logs. */
  readonly transaction: string | undefined;

  constructor(status: number, retryAfter?: string, transaction?: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
    this.transaction = transaction;
  }
}

/** What a login can fail of. */
export type LoginTrouble =
  /** No answer came, or none that could be read. */
  | { readonly error: unknown }
  /** The answer to it; of 2xx where there was no token in it. */
  | { readonly status: number; readonly retryAfter: string | undefined; readonly version: number }
  /** The catalogue has object stores only in these regions. */
  | { readonly regions: readonly string[]; readonly region: string | undefined }
  | { readonly late: true }
  | { readonly closed: true };

/** A login that failed. */
export class LoginFailure extends Error {
  override readonly name = 'LoginFailure';
  readonly trouble: LoginTrouble;

  constructor(trouble: LoginTrouble) {
    super('The login failed.');
    this.trouble = trouble;
  }
}

/** Whether Swift answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof SwiftRefusal && error.status === status;
}

/** Whether Swift says that there is no such object; it says the same of a container. */
export function isMissing(error: unknown): boolean {
  return hasStatus(error, 404);
}

/** Where something happened: for the sentence, and for what a lost answer means. */
export interface FailureContext {
  readonly container: string;
  /** Whether it would have changed anything. */
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What an error of a request means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(error: unknown, { container, write, signal }: FailureContext): unknown {
  if (signal?.aborted) return signal.reason;
  if (StorageError.is(error)) return error;
  const [code, sentence] = verdict(error);
  const waitMs = retryAfterMs(retryAfterOf(error));
  const init: StorageErrorInit = {
    code,
    message: `Swift container ${container}: ${sentence} (${details(error)}).`,
    applied: write && isLost(error) ? 'unknown' : 'no',
    cause: withoutSecrets(error),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    // Told to wait, whatever the code.
    ...(waitMs !== undefined && code === 'unavailable' && { code: 'rate-limited' as const }),
  };
  return new StorageError(init);
}

/** The meaning of a failure, as a code of storages and a clause for an operator. */
function verdict(error: unknown): Verdict {
  if (error instanceof LoginFailure) return loginVerdict(error.trouble);
  if (error instanceof SwiftRefusal) {
    const { status } = error;
    const known = BY_STATUS[status];
    if (known !== undefined) return known;
    if (status >= 500) return ['unavailable', 'the service failed'];
    return status < 400 ? ['unavailable', NOT_SWIFT] : ['internal', 'the service refused the request'];
  }
  return wayVerdict(error) ?? ['internal', 'the request failed in an unforeseen way'];
}

function loginVerdict(trouble: LoginTrouble): Verdict {
  if ('error' in trouble) {
    return wayVerdict(trouble.error) ?? ['misconfigured', 'the login could not be understood; check AUTH_URL'];
  }
  if ('late' in trouble) return ['timeout', 'the identity service did not answer in time'];
  if ('closed' in trouble) return ['closed', 'the storage was closed during the login'];
  if ('regions' in trouble) {
    const { regions, region } = trouble;
    const where = region === undefined ? '' : ` in the region ${region}`;
    const there = regions.length === 0 ? 'it names none at all; check TENANT' : `it names ${regions.join(', ')}`;
    return ['misconfigured', `the identity service names no object store${where}; ${there}`];
  }
  const { status, version } = trouble;
  const known = LOGIN_BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 500) return ['unavailable', 'the identity service failed'];
  const project = status >= 200 && status < 300 && version > 1 ? ' and TENANT' : '';
  return ['misconfigured', `AUTH_URL gives no token by version ${version}; check AUTH_URL, AUTH_VERSION${project}`];
}

function wayVerdict(error: unknown): Verdict | undefined {
  const code = networkCode(error);
  const found = code === undefined ? undefined : networkVerdict(code);
  return found && [found[0], found[1].replaceAll('ENDPOINT', 'AUTH_URL')];
}

/** Whether the service may have done it all the same. */
function isLost(error: unknown): boolean {
  if (error instanceof LoginFailure) return false;
  if (!(error instanceof SwiftRefusal)) return !isNeverSent(networkCode(error), syscallOf(error));
  // Any failure of the server may have come after the deed.
  return error.status < 300 || (error.status >= 500 && error.status !== 501);
}

/** The operating system's, TLS's or the HTTP parser's code. */
function networkCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? (AS_NETWORK[code] ?? code) : undefined;
}

function retryAfterOf(error: unknown): string | undefined {
  if (error instanceof SwiftRefusal) return error.retryAfter;
  return error instanceof LoginFailure && 'retryAfter' in error.trouble ? error.trouble.retryAfter : undefined;
}

function details(error: unknown): string {
  if (error instanceof SwiftRefusal) {
    return error.transaction === undefined ? error.message : `${error.message}, transaction ${error.transaction}`;
  }
  if (!(error instanceof LoginFailure)) return networkCode(error) ?? 'Error';
  const { trouble } = error;
  if ('status' in trouble) return `login, HTTP ${trouble.status}`;
  return 'error' in trouble ? `login, ${networkCode(trouble.error) ?? 'Error'}` : 'login';
}

/** What pkgcloud and the network say may repeat a request, and with it the password or the token. */
function withoutSecrets(error: unknown): Error {
  const code = networkCode(error instanceof LoginFailure && 'error' in error.trouble ? error.trouble.error : error);
  const known = error instanceof SwiftRefusal || error instanceof LoginFailure;
  const cause = new Error(known ? error.message : (code ?? 'The request failed.'));
  cause.name = error instanceof Error ? error.name : 'Error';
  cause.stack = `${cause.name}: ${cause.message}${code === undefined ? '' : ` (${code})`}`;
  return cause;
}
