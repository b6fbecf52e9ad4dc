import {
  isNeverSent,
  networkVerdict,
  retryAfterMs,
  StorageError,
  type StorageErrorInit,
  syscallOf,
  type Verdict,
} from '@tintype/core';

/** An answer that is a refusal, or that cannot be understood. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  readonly headers: Headers;
  /** What the body says: XML, JSON, or something else. */
  readonly said: string;

  constructor(status: number, headers: Headers, said: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
    this.said = said;
  }
}

/** No token could be had. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  constructor(cause: unknown) {
    super('The login failed.', { cause });
  }
}

/** What is read of a failure, wherever it comes from. */
interface GcsFailure {
  /** Google's word for it, of the XML or of the JSON API: `NoSuchKey`, `conditionNotMet`. */
  readonly code: string;
  /** `undefined` where no answer came. */
  readonly status: number | undefined;
  readonly headers: Headers | undefined;
  /** The operating system's, TLS's or the HTTP parser's code: `ECONNREFUSED`. */
  readonly network: string | undefined;
  /** What the operating system was doing: `connect`. */
  readonly syscall: unknown;
  readonly message: string;
  readonly login: boolean;
}

const DENIED = 'the credentials do not allow this; without storage.objects.list a missing object is forbidden too';
const NO_BUCKET = 'there is no such bucket';
const NO_CREDENTIALS =
  'no credentials were found; set KEY, set GOOGLE_APPLICATION_CREDENTIALS, or give the machine a service account';
const WRONG_KEY = 'the credentials are not accepted; check the service account and its key';
const BAD_KEY = 'the private key cannot be read; check that KEY is the whole JSON, with its \\n';
const SKEW = "this machine's clock differs from the service's by more than it accepts; set the clock";
const SLOW = 'the service asks for fewer requests';
const CONDITION = 'the condition does not hold';
const HELD = 'the object is under a retention policy or a hold, and must not be changed';
const BILLING = 'there is a problem with the project or its billing account';

/** By Google's own words: of the XML API, and of the JSON API. */
const BY_CODE: { readonly [code: string]: Verdict } = {
  AccessDenied: ['access-denied', DENIED],
  forbidden: ['access-denied', DENIED],
  insufficientPermissions: ['access-denied', DENIED],
  AuthenticationRequired: ['access-denied', WRONG_KEY],
  authError: ['access-denied', WRONG_KEY],
  required: ['access-denied', WRONG_KEY],
  ExpiredToken: ['access-denied', 'the token has expired'],
  InvalidSecurity: ['access-denied', WRONG_KEY],
  AccountProblem: ['access-denied', BILLING],
  accountDisabled: ['access-denied', BILLING],
  UserProjectMissing: ['misconfigured', 'the bucket is paid for by its readers, which is not supported'],
  NoSuchBucket: ['misconfigured', NO_BUCKET],
  InvalidBucketName: ['misconfigured', 'this cannot be the name of a bucket'],
  RequestTimeTooSkewed: ['misconfigured', SKEW],
  PreconditionFailed: ['precondition-failed', CONDITION],
  conditionNotMet: ['precondition-failed', CONDITION],
  retentionPolicyNotMet: ['access-denied', HELD],
  objectUnderActiveHold: ['access-denied', HELD],
  conflict: ['conflict', 'another write got in between'],
  SlowDown: ['rate-limited', SLOW],
  rateLimitExceeded: ['rate-limited', SLOW],
  userRateLimitExceeded: ['rate-limited', SLOW],
  dailyLimitExceeded: ['rate-limited', SLOW],
  quotaExceeded: ['no-space', 'the quota is used up'],
  EntityTooLarge: ['too-large', 'the entry is larger than the service takes'],
  uploadTooLarge: ['too-large', 'the entry is larger than the service takes'],
  MetadataTooLarge: ['invalid-argument', 'the metadata is longer than the service takes'],
  NotImplemented: ['unsupported', 'the service does not know this operation'],
  RequestTimeout: ['timeout', 'the service waited too long for the request'],
};

/** By status, where the word says nothing: emulators, gateways, answers without a body. */
const BY_STATUS: { readonly [status: number]: Verdict } = {
  401: ['access-denied', WRONG_KEY],
  403: ['access-denied', DENIED],
  404: ['misconfigured', NO_BUCKET],
  408: ['timeout', 'the service waited too long for the request'],
  409: ['conflict', 'another write got in between'],
  410: ['conflict', 'the upload was broken off by somebody else'],
  412: ['precondition-failed', CONDITION],
  413: ['too-large', 'the entry is larger than the service takes'],
  429: ['rate-limited', SLOW],
  499: ['conflict', 'the upload was broken off by somebody else'],
  501: ['unsupported', 'the service does not know this operation'],
  503: ['unavailable', 'the service is not available'],
  504: ['timeout', 'the service did not answer in time'],
  507: ['no-space', 'the service has no space left'],
};

/** Whether GCS says that there is no such object; a missing bucket is something else. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof AnswerError) || error.status !== 404) return false;
  return wordOf(error.said) !== 'NoSuchBucket' && !/bucket does not exist/i.test(error.said);
}

/** Whether GCS refuses for want of a permission, and not for a wrong key. */
export function isForbidden(error: unknown): boolean {
  return hasStatus(error, 403);
}

/** Whether GCS answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof AnswerError && error.status === status;
}

/** Where something happened: for the sentence, and for what a lost answer means. */
export interface FailureContext {
  readonly bucket: string;
  /** Whether it would have changed anything. */
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a failure means for a storage: `StorageError`, or the reason of the signal if the operation
 * was given up.
 */
export function toStorageError(error: unknown, { bucket, write, signal }: FailureContext): unknown {
  if (signal?.aborted) return signal.reason;
  if (StorageError.is(error)) return error;
  const failure = read(error);
  const [code, sentence] = verdict(failure);
  const waitMs = retryAfterMs(failure.headers?.get('retry-after') ?? undefined);
  const init: StorageErrorInit = {
    code,
    message: `GCS bucket ${bucket}: ${sentence} (${details(failure)}).`,
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
  const message = `The credentials may not list bucket ${bucket}. Without storage.objects.list GCS answers 403 instead of 404 for a missing object, so every miss is an error; give them roles/storage.objectUser on gs://${bucket}.`;
  return new StorageError({ code: failure.code, message, cause: failure.cause });
}

/** The meaning of a failure, as a code of storages and a clause for an operator. */
function verdict(failure: GcsFailure): Verdict {
  const { code, status, network, message, login } = failure;
  if (login) return loginVerdict(failure);
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (status === 404 && /bucket does not exist/i.test(message)) return ['misconfigured', NO_BUCKET];
  const ofNetwork = network === undefined ? undefined : networkVerdict(network);
  if (ofNetwork !== undefined) return ofNetwork;
  const byStatus = status === undefined ? undefined : BY_STATUS[status];
  if (byStatus !== undefined) return byStatus;
  if (status === undefined) return ['internal', 'the request failed in an unforeseen way'];
  if (status >= 500) return ['unavailable', 'the service failed'];
  if (status < 400) return ['unavailable', 'the answer is not what GCS answers; check ENDPOINT'];
  return ['internal', 'the service refused the request'];
}

function loginVerdict({ status, network, message }: GcsFailure): Verdict {
  if (/default credentials|Unable to detect a Project Id|ENOENT|does not exist/.test(message)) {
    return ['misconfigured', NO_CREDENTIALS];
  }
  if (/DECODER|OSSL|PEM|asymmetric key|private.?key/i.test(`${network} ${message}`)) return ['access-denied', BAD_KEY];
  if (status !== undefined && status >= 400 && status < 500) return ['access-denied', WRONG_KEY];
  const ofNetwork = network === undefined ? undefined : networkVerdict(network);
  return ofNetwork ?? ['unavailable', 'no access token was given'];
}

/** Whether the service may have done it all the same. */
function isLost({ status, network, syscall, login, code }: GcsFailure): boolean {
  if (login) return false;
  if (status === undefined) return !isNeverSent(network, syscall);
  // Throttled is refused; any other failure of the server may have come after the deed.
  return status < 300 || (status >= 500 && status !== 501 && code !== 'SlowDown');
}

function read(error: unknown): GcsFailure {
  const login = error instanceof LoginError;
  if (error instanceof AnswerError) {
    const { status, headers, said } = error;
    const code = wordOf(said) ?? `HTTP ${status}`;
    return { code, status, headers, network: undefined, syscall: undefined, message: sentenceOf(said), login };
  }
  const from = (login ? error.cause : error) as {
    readonly name?: unknown;
    readonly message?: unknown;
    readonly response?: { readonly status?: unknown };
  } | null;
  const status = from?.response?.status;
  const network = networkCode(from);
  return {
    code: login ? 'login' : (network ?? (typeof from?.name === 'string' ? from.name : 'Error')),
    status: typeof status === 'number' ? status : undefined,
    headers: undefined,
    network,
    syscall: syscallOf(from),
    message: typeof from?.message === 'string' ? from.message : String(from),
    login,
  };
}

/** The innermost code that is a word: the transport wraps what the connection says. */
function networkCode(error: unknown): string | undefined {
  let code: string | undefined;
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const own = (at as { code?: unknown }).code;
    if (typeof own === 'string') code = own;
  }
  return code;
}

/** `<Code>` of the XML API, `reason` of the JSON API. */
function wordOf(said: string): string | undefined {
  const xml = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(said)?.[1];
  return xml ?? /"reason":\s*"([A-Za-z]{1,60})"/.exec(said)?.[1];
}

/** What the answer says about itself, at most a line of it. */
function sentenceOf(said: string): string {
  const xml = /<Message>([^<]*)<\/Message>/.exec(said)?.[1];
  const text = xml ?? /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(said)?.[1] ?? said;
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}

function details({ code, status, network, login }: GcsFailure): string {
  const word = login ? (network ?? code) : code;
  return status === undefined || word === `HTTP ${status}` ? word : `${word}, HTTP ${status}`;
}

/** The transport's errors carry the request with its token, and refusals of the login the signed claim. */
function withoutSecrets({ code, message, login }: GcsFailure): Error {
  const cause = new Error(login || /Bearer|token|key/i.test(message) ? code : withoutSession(message));
  cause.name = code;
  cause.stack = `${code}: ${cause.message}`;
  return cause;
}

/** The address of an upload is all that is needed to write into it. */
function withoutSession(message: string): string {
  return message.replace(/upload_id=[^&\s]+/g, 'upload_id=…');
}
