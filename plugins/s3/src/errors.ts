import {
  asForbiddenListing,
  type FailureContext,
  type ServiceFailure,
  syscallOf,
  toStorageError as toErrorOf,
  type Verdict,
  type Verdicts,
} from '@tintype/core';

/** There is nobody to sign as: what STS or another giver of credentials answered, or why it was not reached. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  /** What failed: `AssumeRole`; or the SDK's search for credentials. */
  readonly step: LoginStep;

  constructor(step: LoginStep, cause: unknown) {
    super('The login failed.', { cause });
    this.step = step;
  }
}

export type LoginStep = 'AssumeRole' | 'credentials';

/** What is read of an SDK's error, whichever version or copy of the SDK made it. */
interface S3Failure extends ServiceFailure {
  /** S3's code: `NoSuchKey`; or the SDK's own: `TimeoutError`, `CredentialsProviderError`. */
  readonly code: string;
  readonly region: string | undefined;
}

const WRONG_KEY = 'the credentials are not accepted; check the access key id and the secret';
const NO_CREDENTIALS = 'no credentials were found; set ACCESS_KEY_ID and SECRET_ACCESS_KEY, or give the machine a role';
const EXPIRED = 'the session token is not valid or has expired';
const SKEW = "this machine's clock differs from the service's by more than it accepts; set the clock";
const WRONG_REGION = 'the bucket is in another region; set REGION';
const PATHS = 'the service keeps keys as paths of files, where no key can begin with another one and a slash';
const SLOW = 'the service asks for fewer requests';

/** What it means that a step of the login is refused. */
const LOGIN_REFUSED: { readonly [step in LoginStep]: string } = {
  AssumeRole:
    'the role of ASSUME_ROLE_ARN may not be assumed with these credentials; check the trust policy of the role, sts:AssumeRole and ASSUME_ROLE_EXTERNAL_ID',
  credentials:
    'the credentials that the SDK finds by itself are refused; check the role of this machine (AWS_ROLE_ARN, AWS_PROFILE, the container, the instance) and its trust policy, or set ACCESS_KEY_ID and SECRET_ACCESS_KEY',
};

/** By S3's own codes. */
const BY_CODE: Verdicts = {
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
  TimeoutError: ['timeout', 'the service did not answer in time'],
};

/** By status, where the code says nothing: other vendors, gateways, answers to HEAD. */
const BY_STATUS: Verdicts = {
  301: ['misconfigured', WRONG_REGION],
  307: ['unavailable', 'the bucket is being moved'],
  401: ['access-denied', WRONG_KEY],
  403: ['access-denied', 'the credentials do not allow this'],
  404: ['misconfigured', 'what answers does not know such addresses; check ENDPOINT'],
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
  const { code, step } = read(error);
  return code === 'AccessDenied' && step === undefined;
}

/** Whether S3 answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  const { status: answered, step } = read(error);
  return answered === status && step === undefined;
}

/** The region in which a bucket says it is, when a request went to another one. */
export function redirectedRegion(error: unknown): string | undefined {
  const { status, region } = read(error);
  const redirected = status === 301 || status === 307 || status === 400;
  return redirected && region !== undefined && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined;
}

/**
 * What an error of the SDK means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(error: unknown, context: FailureContext): unknown {
  return toErrorOf({ service: 'S3', noun: 'bucket', byCode: BY_CODE, byStatus: BY_STATUS, read }, error, context);
}

/** The same of a listing: where it is forbidden, what that means for a cache, and what to do. */
export function toListingError(error: unknown, context: FailureContext): unknown {
  const failure = toStorageError(error, context);
  if (!isForbidden(error)) return failure;
  const { bucket } = context;
  return asForbiddenListing(
    failure,
    `The credentials may not list bucket ${bucket}. Without s3:ListBucket S3 answers 403 instead of 404 for a missing key, so every miss is an error; allow s3:ListBucket on arn:aws:s3:::${bucket}.`,
  );
}

function read(failure: unknown): S3Failure {
  const step = failure instanceof LoginError ? failure.step : undefined;
  const error = failure instanceof LoginError ? failure.cause : failure;
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
  const { httpStatusCode: status, requestId } = from.$metadata ?? {};
  const code = text(from.Code) ?? text(from.name) ?? 'Error';
  const message = text(from.message) ?? String(error);
  return {
    code,
    status,
    retryAfter: headers['retry-after'],
    network: text(from.code),
    syscall: syscallOf(error),
    step,
    trace: requestId === undefined ? undefined : `request ${requestId}`,
    // The SDK's errors carry the request with its signature, and S3's answers the access key.
    message: /Signature|AccessKey/.test(code) ? code : message,
    verdict: step === undefined ? undefined : refusedLogin(step, code, status),
    region: headers['x-amz-bucket-region'] ?? text(from.Region),
  };
}

/** A login that is refused, unless a word of its own says why. */
function refusedLogin(step: LoginStep, code: string, status: number | undefined): Verdict | undefined {
  const isKnown = code !== 'AccessDenied' && Object.hasOwn(BY_CODE, code);
  const isRefused = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isRefused && !isKnown ? ['access-denied', LOGIN_REFUSED[step]] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
