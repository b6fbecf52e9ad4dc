import {
  type FailureContext,
  networkVerdict,
  type ServiceFailure,
  syscallOf,
  toStorageError as toErrorOf,
  type Verdict,
  type Verdicts,
} from '@tintype/core';

/** An answer with a status that is not among the expected ones. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
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
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly trouble: LoginTrouble;

  constructor(trouble: LoginTrouble) {
    super('The login failed.');
    this.trouble = trouble;
  }
}

const LATE = 'the identity service did not answer in time';

/** By the status of an answer of Swift, or of what stands in front of it. */
const BY_STATUS: Verdicts = {
  401: ['access-denied', 'a new token is not accepted either; check AUTH_URL and REGION'],
  403: ['access-denied', 'the user may not do this; it needs the right to read, write and list the container'],
  404: ['misconfigured', 'there is no such container'],
  411: ['unsupported', 'the service does not take bodies of unknown length'],
  413: ['too-large', 'the entry is larger than the service takes, or than what is left of a quota'],
  498: ['rate-limited', 'the service asks for fewer requests'],
  499: ['unavailable', 'the service saw the connection end'],
};

/** By the status of an answer of the identity service. */
const LOGIN_BY_STATUS: Verdicts = {
  400: ['misconfigured', 'the identity service does not understand the login; check AUTH_VERSION, TENANT and DOMAIN'],
  401: ['access-denied', 'the login is not accepted; check USERNAME and API_KEY, and with Keystone TENANT and DOMAIN'],
  403: ['access-denied', 'the user may not log in'],
  408: ['timeout', LATE],
  429: ['rate-limited', 'the identity service asks for fewer logins'],
  498: ['rate-limited', 'the identity service asks for fewer logins'],
  504: ['timeout', LATE],
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

/** Whether Swift says that there is no such object; it says the same of a container. */
export function isMissing(error: unknown): boolean {
  return hasStatus(error, 404);
}

/** Whether Swift answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof AnswerError && error.status === status;
}

/**
 * What an error of a request means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(error: unknown, context: FailureContext): unknown {
  return toErrorOf({ service: 'Swift', noun: 'container', byCode: {}, byStatus: BY_STATUS, read }, error, context);
}

/** What pkgcloud and the network say may repeat a request, and with it the password or the token. */
function read(error: unknown): ServiceFailure {
  if (error instanceof AnswerError) {
    const { status, retryAfter, transaction } = error;
    const trace = transaction === undefined ? undefined : `transaction ${transaction}`;
    return { status, retryAfter, trace, message: error.message };
  }
  if (error instanceof LoginError) return readLogin(error.trouble);
  const network = networkCode(error);
  return { network, syscall: syscallOf(error), message: network ?? 'The request failed.', verdict: wayVerdict(error) };
}

function readLogin(trouble: LoginTrouble): ServiceFailure {
  const failure = { step: 'login', message: 'The login failed.', verdict: loginVerdict(trouble) };
  if ('error' in trouble) return { ...failure, network: networkCode(trouble.error) ?? 'Error' };
  return 'status' in trouble ? { ...failure, status: trouble.status, retryAfter: trouble.retryAfter } : failure;
}

function loginVerdict(trouble: LoginTrouble): Verdict {
  if ('error' in trouble) {
    return wayVerdict(trouble.error) ?? ['misconfigured', 'the login could not be understood; check AUTH_URL'];
  }
  if ('late' in trouble) return ['timeout', LATE];
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

/** The operating system's, TLS's or the HTTP parser's code. */
function networkCode(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? (AS_NETWORK[code] ?? code) : undefined;
}
