import {
  asForbiddenListing,
  type FailureContext,
  type ServiceFailure,
  syscallOf,
  toStorageError as toErrorOf,
  type Verdict,
  type Verdicts,
} from '@tintype/core';

/** What is read of an SDK's error, whichever version or copy of the SDK made it. */
interface AbsFailure extends ServiceFailure {
  /** Azure's code: `BlobNotFound`; or the SDK's own: `CredentialUnavailableError`. */
  readonly code: string;
  readonly header: (name: string) => string | undefined;
}

const WRONG_KEY = 'the credentials are not accepted; check NAME and KEY, SAS_TOKEN or CONNECTION_STRING';
const NO_PERMISSION =
  'the credentials do not allow this; give the identity the role Storage Blob Data Contributor (for sources Reader), or the signature the permissions rcwdl (for sources r)';
const NO_CREDENTIALS =
  'no credentials were found; set KEY, SAS_TOKEN or CONNECTION_STRING, the variables AZURE_*, or give the machine a managed identity';
const WRONG_IDENTITY = 'Entra ID does not accept the identity; check the variables AZURE_*';
const EXPIRED = 'the shared access signature has expired or is not valid yet';
const SKEW = "this machine's clock differs from the service's by more than it accepts; set the clock";
const ARCHIVED = 'the blob is in the archive tier and cannot be read';
const SLOW = 'the service asks for fewer requests';
const LEASED = 'somebody holds a lease on it';
const PROTECTED = 'a policy of the container forbids to change it';
const BROKEN_OFF: Verdict = ['unavailable', 'the connection was broken off'];

/** By Azure's own codes. Status and error codes, learn.microsoft.com/rest/api/storageservices. */
const BY_CODE: Verdicts = {
  AuthenticationFailed: ['access-denied', WRONG_KEY],
  InvalidAuthenticationInfo: ['access-denied', WRONG_KEY],
  NoAuthenticationInformation: ['access-denied', WRONG_KEY],
  AuthorizationFailure: ['access-denied', `${WRONG_KEY}, and the firewall of the account`],
  AuthorizationPermissionMismatch: ['access-denied', NO_PERMISSION],
  AuthorizationServiceMismatch: ['access-denied', NO_PERMISSION],
  AuthorizationResourceTypeMismatch: ['access-denied', NO_PERMISSION],
  AuthorizationProtocolMismatch: ['access-denied', 'the shared access signature is for https:// only'],
  AuthorizationSourceIPMismatch: ['access-denied', 'the shared access signature is for another address'],
  InsufficientAccountPermissions: ['access-denied', NO_PERMISSION],
  KeyBasedAuthenticationNotPermitted: ['access-denied', 'the account takes no keys; use an identity'],
  PublicAccessNotPermitted: ['access-denied', 'the account forbids access without credentials'],
  AccountIsDisabled: ['access-denied', 'the account is disabled'],
  CredentialUnavailableError: ['misconfigured', NO_CREDENTIALS],
  AggregateAuthenticationError: ['misconfigured', NO_CREDENTIALS],
  AuthenticationRequiredError: ['misconfigured', NO_CREDENTIALS],
  ContainerNotFound: ['misconfigured', 'there is no such container'],
  ContainerBeingDeleted: ['misconfigured', 'the container is being deleted'],
  ContainerDisabled: ['misconfigured', 'the container is disabled'],
  InvalidResourceName: ['misconfigured', 'this cannot be the name of a container'],
  ResourceNotFound: ['misconfigured', 'there is no such container or account'],
  BlobArchived: ['misconfigured', ARCHIVED],
  BlobBeingRehydrated: ['misconfigured', ARCHIVED],
  FeatureVersionMismatch: ['misconfigured', 'the account does not know this version of the protocol'],
  InvalidHeaderValue: ['misconfigured', 'the service does not take a field as it is sent'],
  ConditionNotMet: ['precondition-failed', 'the condition does not hold'],
  TargetConditionNotMet: ['precondition-failed', 'the condition does not hold'],
  BlobAlreadyExists: ['precondition-failed', 'there is an entry already'],
  // Whoever writes a blob throws away the blocks that others have uploaded for it.
  InvalidBlockList: ['conflict', 'another write got in between'],
  InvalidBlobOrBlock: ['conflict', 'another write got in between'],
  PendingCopyOperation: ['conflict', 'it is being copied'],
  LeaseIdMissing: ['conflict', LEASED],
  LeaseAlreadyPresent: ['conflict', LEASED],
  BlobImmutableDueToPolicy: ['access-denied', PROTECTED],
  ServerBusy: ['rate-limited', SLOW],
  TooManyRequests: ['rate-limited', SLOW],
  OperationTimedOut: ['timeout', 'the service did not answer in time'],
  InternalError: ['unavailable', 'the service failed'],
  RequestBodyTooLarge: ['too-large', 'the entry is larger than the service takes'],
  BlockCountExceedsLimit: ['too-large', 'the entry is larger than the service takes'],
  MetadataTooLarge: ['invalid-argument', 'the metadata is longer than the service takes'],
  InsufficientQuota: ['no-space', 'the quota is used up'],
  UnsupportedHeader: ['unsupported', 'the service does not know this operation'],
  UnsupportedHttpVerb: ['unsupported', 'the service does not know this operation'],
  // An answer of 2xx that ends early or is no XML.
  PARSE_ERROR: ['unavailable', 'the answer is not what Azure answers'],
  // The SDK calls a connection that ends during an answer an abort, or damage to the data.
  AbortError: BROKEN_OFF,
  REQUEST_SEND_ERROR: BROKEN_OFF,
};

/** By status, where the code says nothing: gateways, emulators, answers to HEAD. */
const BY_STATUS: Verdicts = {
  401: ['access-denied', WRONG_KEY],
  403: ['access-denied', NO_PERMISSION],
  404: ['misconfigured', 'what answers does not know such addresses; check ENDPOINT'],
};

/**
 * Whether Azure says that there is no such blob; a missing container is something else, and so is a
 * 404 of whatever else listens there. Azure always tells its code, in answers to HEAD too.
 */
export function isMissing(error: unknown): boolean {
  return read(error).code === 'BlobNotFound';
}

/** Whether Azure refuses for want of a permission, and not for a wrong key. */
export function isForbidden(error: unknown): boolean {
  const { code } = read(error);
  return Object.hasOwn(BY_CODE, code) && BY_CODE[code]?.[1] === NO_PERMISSION;
}

/** Whether Azure answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return read(error).status === status;
}

/** A field of the answer that an error is made of. */
export function answeredField(error: unknown, name: string): string | undefined {
  return read(error).header(name);
}

/**
 * What an error of the SDK means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(error: unknown, context: FailureContext): unknown {
  return toErrorOf({ service: 'Azure', noun: 'container', byCode: BY_CODE, byStatus: BY_STATUS, read }, error, context);
}

/** The same of a listing: where it is forbidden, what to do. A cache serves images without it. */
export function toListingError(error: unknown, context: FailureContext): unknown {
  const failure = toStorageError(error, context);
  if (!isForbidden(error)) return failure;
  return asForbiddenListing(
    failure,
    `The credentials may not list container ${context.bucket}; give the signature the permission l, or the identity the role Storage Blob Data Contributor.`,
  );
}

/**
 * Numbers of Entra ID that pass: it, or what it asks, is busy or not there.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const BUSY = new Set(['50196', '70012', '90006', '90012', '90024', '90025', '90033', '90055']);

/** Failures before anything was sent: there was nobody to sign as. */
const UNSIGNED = /^(Credential|Authentication|AggregateAuthentication)\w*Error$/;

function read(error: unknown): AbsFailure {
  const from = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly message?: unknown;
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly response?: {
      readonly headers?: { get(name: string): string | undefined };
      readonly bodyAsText?: string | null;
    };
  };
  const { response } = from;
  const header = (name: string) => response?.headers?.get(name);
  const name = text(from.name) ?? 'Error';
  const message = text(from.message) ?? String(error);
  const unsigned = UNSIGNED.test(name);
  const own = (unsigned ? name : undefined) ?? header('x-ms-error-code') ?? text(from.code);
  // The SDK's own check of a body's length has no code.
  const isShort = own === undefined && message.startsWith('Data corruption failure');
  const code = isShort ? 'REQUEST_SEND_ERROR' : (own ?? name);
  const requestId = header('x-ms-request-id');
  return {
    code,
    status: !unsigned && typeof from.statusCode === 'number' ? from.statusCode : undefined,
    retryAfter: header('retry-after'),
    network: response === undefined ? text(from.code) : undefined,
    syscall: syscallOf(error),
    step: unsigned ? 'login' : undefined,
    trace: requestId === undefined ? undefined : `request ${requestId}`,
    // The SDK's errors carry the request with its signature, and Azure's answers what was signed.
    message: /^(Authen|Author)/.test(code) ? code : message.replace(/\bsig=[^&\s"']+/g, 'sig=…'),
    verdict: unsigned ? loginVerdict(name, message) : verdictOnDetail(response?.bodyAsText),
    header,
  };
}

/**
 * What Entra ID says of a login, by its number. `@azure/identity` tells by the same errors that Entra ID
 * refuses, that it has too much to do, and that nobody answered: only a refusal has a number.
 */
function loginVerdict(name: string, message: string): Verdict | undefined {
  const number = /\bAADSTS(\d{1,10})\b/.exec(message)?.[1];
  if (number !== undefined) {
    return BUSY.has(number)
      ? ['unavailable', `Entra ID gives no token now, AADSTS${number}`]
      : ['access-denied', `${WRONG_IDENTITY}; it says AADSTS${number}`];
  }
  // Of several ways to log in one led to an answer, or to nobody; the others are not set up.
  const isTried = name === 'AuthenticationError' || message.includes('AuthenticationRequiredError:');
  return isTried ? ['unavailable', 'no answer of Entra ID gave a token'] : undefined;
}

/** One code is for all that keeps Azure from knowing who asks: what it was is only in the text. */
function verdictOnDetail(body: string | null | undefined): Verdict | undefined {
  const detail = /<AuthenticationErrorDetail>([^<]*)</.exec(body ?? '')?.[1] ?? '';
  if (/Request date header too (old|new)/i.test(detail)) return ['misconfigured', SKEW];
  return /time frame|expired/i.test(detail) ? ['access-denied', EXPIRED] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
