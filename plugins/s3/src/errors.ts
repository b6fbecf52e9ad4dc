import {
  isNeverSent,
  networkVerdict,
  retryAfterMs,
  StorageError,
  type StorageErrorInit,
  syscallOf,
  type Verdict,
} from '@tintype/core';

/** The role could not be assumed: what STS answered, or why it was not reached. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  constructor(cause: unknown) {
    super('The login failed.', { cause });
  }
}

/** What is read of an SDK's error, whichever version or copy of the SDK made it. */
interface S3Failure {
  /** S3's code: `NoSuchKey`; or the SDK's own: `TimeoutError`, `CredentialsProviderError`. */
  readonly code: string;
  /** `undefined` where no answer came. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The operating system's, TLS's or the HTTP parser's code: `ECONNREFUSED`. */
  readonly network: string | undefined;
  /** What the operating system was doing: `connect`. */
  readonly syscall: unknown;
  readonly requestId: string | undefined;
  readonly region: string | undefined;
  readonly message: string;
  readonly login: boolean;
}

const WRONG_KEY = 'the credentials are not accepted; check the access key id and the secret';
const NO_CREDENTIALS = 'no credentials were found; set ACCESS_KEY_ID and SECRET_ACCESS_KEY, or give the machine a role';
const NO_ROLE =
  'the role of ASSUME_ROLE_ARN may not be assumed with these credentials; check the trust policy of the role, sts:AssumeRole and ASSUME_ROLE_EXTERNAL_ID';
const EXPIRED = 'the session token is not valid or has expired';
const SKEW = "this machine's clock differs from the service's by more than it accepts; set the clock";
const WRONG_REGION = 'the bucket is in another region; set REGION';
const PATHS = 'the service keeps keys as paths of files, where no key can begin with another one and a slash';
const SLOW = 'the service asks for fewer requests';

/** By S3's own codes. */
const BY_CODE: { readonly [code: string]: Verdict } = {
  AccessDenied: [
    'access-denied',
    'the credentials do not allow this; without s3:ListBucket a missing key is forbidden too',
  ],
  AllAccessDisabled: ['access-denied', 'all access to this bucket is disabled'],
  AccountProblem: ['access-denied', 'there is a problem with the account'],
  InvalidAccessKeyId: ['access-denied', WRONG_KEY],
  InvalidClientTokenId: ['access-denied', WRONG_KEY],
  SignatureDoesNotMatch: ['access-denied', WRONG_KEY],
  ExpiredToken: ['access-denied', EXPIRED],
  ExpiredTokenException: ['access-denied', EXPIRED],
  TokenRefreshRequired: ['access-denied', EXPIRED],
  InvalidToken: ['access-denied', EXPIRED],
  CredentialsProviderError: ['misconfigured', NO_CREDENTIALS],
  NoSuchBucket: ['misconfigured', 'there is no such bucket'],
  InvalidBucketName: ['misconfigured', 'this cannot be the name of a bucket'],
  RequestTimeTooSkewed: ['misconfigured', SKEW],
  RequestExpired: ['misconfigured', SKEW],
  PermanentRedirect: ['misconfigured', WRONG_REGION],
  AuthorizationHeaderMalformed: ['misconfigured', WRONG_REGION],
  IllegalLocationConstraintException: ['misconfigured', WRONG_REGION],
  InvalidStorageClass: ['misconfigured', 'the service does not know this STORAGE_CLASS'],
  InvalidObjectState: ['misconfigured', 'the entry is in an archive class and cannot be read'],
  InvalidEncryptionAlgorithmError: ['misconfigured', 'the service does not know this SSE'],
  PreconditionFailed: ['precondition-failed', 'the condition does not hold'],
  ConditionalRequestConflict: ['conflict', 'another write got in between'],
  OperationAborted: ['conflict', 'another operation on it is under way'],
  // Services that keep keys as paths in a file system cannot have `k` beside `k/x`.
  ObjectParentIsFile: ['unsupported', PATHS],
  ExistingObjectIsDirectory: ['unsupported', PATHS],
  XMinioParentIsObject: ['unsupported', PATHS],
  NoSuchUpload: ['conflict', 'the upload was broken off by somebody else'],
  SlowDown: ['rate-limited', SLOW],
  ServiceUnavailable: ['unavailable', 'the service is not available'],
  TooManyRequests: ['rate-limited', SLOW],
  RequestLimitExceeded: ['rate-limited', SLOW],
  ThrottlingException: ['rate-limited', SLOW],
  Throttling: ['rate-limited', SLOW],
  EntityTooLarge: ['too-large', 'the entry is larger than the service takes'],
  MetadataTooLarge: ['invalid-argument', 'the metadata is longer than the service takes'],
  QuotaExceeded: ['no-space', 'the quota is used up'],
  NotImplemented: ['unsupported', 'the service does not know this operation'],
  RequestTimeout: ['timeout', 'the service waited too long for the request'],
};

/** By status, where the code says nothing: other vendors, gateways, answers to HEAD. */
const BY_STATUS: { readonly [status: number]: Verdict } = {
  301: ['misconfigured', WRONG_REGION],
  307: ['unavailable', 'the bucket is being moved'],
  401: ['access-denied', WRONG_KEY],
  403: ['access-denied', 'the credentials do not allow this'],
  404: ['misconfigured', 'what answers does not know such addresses; check ENDPOINT'],
  408: ['timeout', 'the service waited too long for the request'],
  409: ['conflict', 'another write got in between'],
  412: ['precondition-failed', 'the condition does not hold'],
  413: ['too-large', 'the entry is larger than the service takes'],
  429: ['rate-limited', SLOW],
  501: ['unsupported', 'the service does not know this operation'],
  503: ['unavailable', 'the service is not available'],
  504: ['timeout', 'the service did not answer in time'],
  507: ['no-space', 'the service has no space left'],
};

/**
 * Whether S3 says that there is no such object; a missing bucket is something else, and so is a 404
 * of whatever else listens there.
 */
export function isMissing(error: unknown): boolean {
  const { code } = read(error);
  return code === 'NoSuchKey' || code === 'NoSuchVersion';
}

/** Whether S3 refuses for want of a permission, and neither for a wrong key nor for a role. */
export function isForbidden(error: unknown): boolean {
  const { code, login } = read(error);
  return code === 'AccessDenied' && !login;
}

/** Whether S3 answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return read(error).status === status;
}

/** The region in which a bucket says it is, when a request went to another one. */
export function redirectedRegion(error: unknown): string | undefined {
  const { status, region } = read(error);
  const redirected = status === 301 || status === 307 || status === 400;
  return redirected && region !== undefined && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined;
}

/** Where something happened: for the sentence, and for what a lost answer means. */
export interface FailureContext {
  readonly bucket: string;
  /** Whether it would have changed anything. */
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What an error of the SDK means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(error: unknown, { bucket, write, signal }: FailureContext): unknown {
  if (signal?.aborted) return signal.reason;
  if (StorageError.is(error)) return error;
  const failure = read(error);
  const [code, sentence] = verdict(failure);
  const waitMs = retryAfterMs(failure.headers['retry-after']);
  const init: StorageErrorInit = {
    code,
    message: `S3 bucket ${bucket}: ${sentence} (${details(failure)}).`,
    applied: write && isLost(failure) ? 'unknown' : 'no',
    cause: withoutSecrets(failure),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    // Told to wait, whatever the code.
    ...(waitMs !== undefined && code === 'unavailable' && { code: 'rate-limited' as const }),
  };
  return new StorageError(init);
}

/** The same of a listing: where it is forbidden, what that means for a cache, and what to do. */
export function toListingError(error: unknown, context: FailureContext): unknown {
  const failure = toStorageError(error, context);
  if (!StorageError.is(failure) || !isForbidden(error)) return failure;
  const { bucket } = context;
  const message = `The credentials may not list bucket ${bucket}. Without s3:ListBucket S3 answers 403 instead of 404 for a missing key, so every miss is an error; allow s3:ListBucket on arn:aws:s3:::${bucket}.`;
  return new StorageError({ code: failure.code, message, cause: failure.cause });
}

/** The meaning of a failure, as a code of storages and a clause for an operator. */
function verdict({ code, status, network, login }: S3Failure): Verdict {
  if (login && code === 'AccessDenied') return ['access-denied', NO_ROLE];
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  const ofNetwork = network === undefined ? undefined : networkVerdict(network);
  if (ofNetwork !== undefined) return ofNetwork;
  if (code === 'TimeoutError') return ['timeout', 'the service did not answer in time'];
  const byStatus = status === undefined ? undefined : BY_STATUS[status];
  if (byStatus !== undefined) return byStatus;
  if (status === undefined) return ['internal', 'the request failed in an unforeseen way'];
  if (status >= 500) return ['unavailable', 'the service failed'];
  // An answer of 2xx that the SDK could not read.
  if (status < 400) return ['unavailable', 'the answer is not what S3 answers'];
  return ['internal', 'the service refused the request'];
}

/** Whether the service may have done it all the same. */
function isLost({ code, status, network, syscall, login }: S3Failure): boolean {
  if (login) return false;
  if (status === undefined) {
    return code !== 'CredentialsProviderError' && !isNeverSent(network, syscall);
  }
  // Throttled is refused; any other failure of the server may have come after the deed.
  return status < 300 || (status >= 500 && status !== 501 && code !== 'SlowDown');
}

function read(failure: unknown): S3Failure {
  const login = failure instanceof LoginError;
  const error = login ? failure.cause : failure;
  const from = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly message?: unknown;
    readonly code?: unknown;
    readonly Code?: unknown;
    readonly Region?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
    readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> };
  };
  const headers = from.$response?.headers ?? {};
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    code: text(from.Code) ?? text(from.name) ?? 'Error',
    status: from.$metadata?.httpStatusCode,
    headers,
    network: text(from.code),
    syscall: syscallOf(error),
    requestId: from.$metadata?.requestId,
    region: headers['x-amz-bucket-region'] ?? text(from.Region),
    message: text(from.message) ?? String(error),
    login,
  };
}

function details({ code, status, network, requestId, login }: S3Failure): string {
  const answer = status === undefined ? (network ?? code) : `${code}, HTTP ${status}`;
  const what = login ? `AssumeRole, ${answer}` : answer;
  return requestId === undefined ? what : `${what}, request ${requestId}`;
}

/** The SDK's errors carry the request with its signature, and S3's answers the access key. */
function withoutSecrets({ code, message }: S3Failure): Error {
  const cause = new Error(/Signature|AccessKey/.test(code) ? code : message);
  cause.name = code;
  cause.stack = `${code}: ${cause.message}`;
  return cause;
}
