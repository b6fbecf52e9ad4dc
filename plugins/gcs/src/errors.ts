import {
  asForbiddenListing,
  type FailureContext,
  networkVerdict,
  type ServiceFailure,
  syscallOf,
  toStorageError as toErrorOf,
  type Verdict,
  type Verdicts,
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

/** The address of an upload is not known, or not any more. */
export class LostUploadError extends AnswerError {
  constructor({ status, headers, said }: AnswerError) {
    super(status, headers, said);
  }
}

/** No token could be had. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  constructor(cause: unknown) {
    super('The login failed.', { cause });
  }
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

const LOST_UPLOAD: Verdict = ['conflict', 'the upload was broken off by somebody else'];

/** By Google's own words: of the XML API, and of the JSON API. */
const BY_CODE: Verdicts = {
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
const BY_STATUS: Verdicts = {
  401: ['access-denied', WRONG_KEY],
  403: ['access-denied', DENIED],
  404: ['misconfigured', NO_BUCKET],
  410: LOST_UPLOAD,
  499: LOST_UPLOAD,
};

/** Whether GCS says that there is no such object; a missing bucket is something else. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof AnswerError) || error.status !== 404) return false;
  return wordOf(error.said) !== 'NoSuchBucket' && !/bucket does not exist/i.test(error.said);
}

/** Whether GCS refuses for want of a permission, and not for a wrong key, a quota or a bill: all of these may be 403. */
export function isForbidden(error: unknown): boolean {
  if (!(error instanceof AnswerError) || error.status !== 403) return false;
  const word = wordOf(error.said);
  const known = word !== undefined && Object.hasOwn(BY_CODE, word) ? BY_CODE[word] : BY_STATUS[403];
  return known?.[1] === DENIED;
}

/** Whether GCS answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof AnswerError && error.status === status;
}

/**
 * What a failure means for a storage: `StorageError`, or the reason of the signal if the operation
 * was given up.
 */
export function toStorageError(error: unknown, context: FailureContext): unknown {
  return toErrorOf({ service: 'GCS', noun: 'bucket', byCode: BY_CODE, byStatus: BY_STATUS, read }, error, context);
}

/** The same of a listing: where it is forbidden, what that means for a cache, and what to do. */
export function toListingError(error: unknown, context: FailureContext): unknown {
  const failure = toStorageError(error, context);
  if (!isForbidden(error)) return failure;
  const { bucket } = context;
  return asForbiddenListing(
    failure,
    `The credentials may not list bucket ${bucket}. Without storage.objects.list GCS answers 403 instead of 404 for a missing object, so every miss is an error; give them roles/storage.objectUser on gs://${bucket}.`,
  );
}

function read(error: unknown): ServiceFailure {
  if (error instanceof AnswerError) {
    const { status, headers, said } = error;
    return {
      code: wordOf(said),
      status,
      retryAfter: headers.get('retry-after') ?? undefined,
      message: withoutSecrets(sentenceOf(said)),
      ...(error instanceof LostUploadError && { verdict: LOST_UPLOAD }),
    };
  }
  const login = error instanceof LoginError;
  const from = (login ? error.cause : error) as {
    readonly name?: unknown;
    readonly message?: unknown;
    readonly response?: { readonly status?: unknown; readonly headers?: Partial<Pick<Headers, 'get'>> };
  } | null;
  const status = typeof from?.response?.status === 'number' ? from.response.status : undefined;
  const network = networkCode(from);
  const message = typeof from?.message === 'string' ? from.message : String(from);
  return {
    code: login || typeof from?.name !== 'string' ? undefined : from.name,
    status,
    retryAfter: from?.response?.headers?.get?.('retry-after') ?? undefined,
    network,
    syscall: syscallOf(from),
    // Refusals of the login repeat the signed claim.
    message: login ? 'The login failed.' : withoutSecrets(message),
    ...(login && { step: 'login', verdict: loginVerdict(status, network, message) }),
  };
}

/** What it means that there is no token; `undefined` where the status says it of a login as of anything. */
function loginVerdict(status: number | undefined, network: string | undefined, message: string): Verdict | undefined {
  if (status === 408 || status === 429) return undefined;
  if (/default credentials|Unable to detect a Project Id|ENOENT|does not exist/.test(message)) {
    return ['misconfigured', NO_CREDENTIALS];
  }
  if (/DECODER|OSSL|PEM|asymmetric key|private.?key/i.test(`${network} ${message}`)) return ['access-denied', BAD_KEY];
  if (status !== undefined && status >= 400 && status < 500) return ['access-denied', WRONG_KEY];
  const ofNetwork = network === undefined ? undefined : networkVerdict(network);
  return ofNetwork ?? ['unavailable', 'no access token was given'];
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

/**
 * The transport's errors carry the request with its token, and the address of an upload is all that is
 * needed to write into it.
 */
function withoutSecrets(message: string): string {
  return /Bearer|token|key/i.test(message)
    ? 'It is not repeated here.'
    : message.replace(/upload_id=[^&\s]+/g, 'upload_id=…');
}
