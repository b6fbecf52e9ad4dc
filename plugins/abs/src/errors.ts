import {
  isNeverSent,
  networkVerdict,
  retryAfterMs,
  StorageError,
  type StorageErrorInit,
  syscallOf,
  type Verdict,
} from '@tintype/core';

/** What is read of an SDK's error, whichever version or copy of the SDK made it. */
interface AbsFailure {
  /** Azure's code: `BlobNotFound`; or the SDK's own: `CredentialUnavailableError`. */
  readonly code: string;
  /** `undefined` where no answer came. */
  readonly status: number | undefined;
  readonly header: (name: string) => string | undefined;
  /** The operating system's, TLS's or the HTTP parser's code: `ECONNREFUSED`. */
  readonly network: string | undefined;
  /** What the operating system was doing: `connect`. */
  readonly syscall: unknown;
  readonly requestId: string | undefined;
  /** What Azure says besides its code about a request that it does not authenticate. */
  readonly detail: string;
  readonly message: string;
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
const BY_CODE: { readonly [code: string]: Verdict } = {
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
  AuthenticationError: ['access-denied', WRONG_IDENTITY],
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
};

/** By status, where the code says nothing: gateways, emulators, answers to HEAD. */
const BY_STATUS: { readonly [status: number]: Verdict } = {
  401: ['access-denied', WRONG_KEY],
  403: ['access-denied', NO_PERMISSION],
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
 * Whether Azure says that there is no such blob; a missing container is something else, and so is a
 * 404 of whatever else listens there. Azure always tells its code, in answers to HEAD too.
 */
export function isMissing(error: unknown): boolean {
  return read(error).code === 'BlobNotFound';
}

/** Whether Azure answered with this status. */
export function hasStatus(error: unknown, status: number): boolean {
  return read(error).status === status;
}

/** A field of the answer that an error is made of. */
export function answeredField(error: unknown, name: string): string | undefined {
  return read(error).header(name);
}

/** Where something happened: for the sentence, and for what a lost answer means. */
export interface FailureContext {
  readonly container: string;
  /** Whether it would have changed anything. */
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What an error of the SDK means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(error: unknown, { container, write, signal }: FailureContext): unknown {
  if (signal?.aborted) return signal.reason;
  if (StorageError.is(error)) return error;
  const failure = read(error);
  const [code, sentence] = verdict(failure);
  const waitMs = retryAfterMs(failure.header('retry-after'));
  const init: StorageErrorInit = {
    code,
    message: `Azure container ${container}: ${sentence} (${details(failure)}).`,
    applied: write && isLost(failure) ? 'unknown' : 'no',
    cause: withoutSecrets(failure),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    // Told to wait, whatever the code.
    ...(waitMs !== undefined && code === 'unavailable' && { code: 'rate-limited' as const }),
  };
  return new StorageError(init);
}

/** The meaning of a failure, as a code of storages and a clause for an operator. */
function verdict({ code, status, network, detail }: AbsFailure): Verdict {
  // One code for all that keeps Azure from knowing who asks: what it was is only in the text.
  if (/Request date header too (old|new)/i.test(detail)) return ['misconfigured', SKEW];
  if (/time frame|expired/i.test(detail)) return ['access-denied', EXPIRED];
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  const ofNetwork = network === undefined ? undefined : networkVerdict(network);
  if (ofNetwork !== undefined) return ofNetwork;
  // The SDK calls a connection that ends during an answer an abort, or damage to the data.
  if (status === undefined && (code === 'AbortError' || code === 'REQUEST_SEND_ERROR')) return BROKEN_OFF;
  const byStatus = status === undefined ? undefined : BY_STATUS[status];
  if (byStatus !== undefined) return byStatus;
  if (status === undefined) return ['internal', 'the request failed in an unforeseen way'];
  if (status >= 500) return ['unavailable', 'the service failed'];
  // An answer of 2xx that the SDK could not read.
  if (status < 400) return ['unavailable', 'the answer is not what Azure answers'];
  return ['internal', 'the service refused the request'];
}

/** Failures before anything was sent: there was nobody to sign as. */
const UNSIGNED = /^(Credential|Authentication|AggregateAuthentication)\w*Error$/;

/** Whether the service may have done it all the same. */
function isLost({ code, status, network, syscall }: AbsFailure): boolean {
  if (status === undefined) return !UNSIGNED.test(code) && !isNeverSent(network, syscall);
  // Throttled is refused; any other failure of the server may have come after the deed.
  return status < 300 || (status >= 500 && status !== 501 && code !== 'ServerBusy');
}

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
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const header = (name: string) => response?.headers?.get(name);
  const name = text(from.name) ?? 'Error';
  const message = text(from.message) ?? String(error);
  const own = UNSIGNED.test(name) ? name : undefined;
  const code = own ?? header('x-ms-error-code') ?? text(from.code);
  // The SDK's own check of a body's length has no code.
  const isShort = code === undefined && message.startsWith('Data corruption failure');
  return {
    code: isShort ? 'REQUEST_SEND_ERROR' : (code ?? name),
    status: own === undefined && typeof from.statusCode === 'number' ? from.statusCode : undefined,
    header,
    network: response === undefined ? text(from.code) : undefined,
    syscall: syscallOf(error),
    requestId: header('x-ms-request-id'),
    detail: detailOf(response?.bodyAsText),
    message,
  };
}

function detailOf(body: string | null | undefined): string {
  return /<AuthenticationErrorDetail>([^<]*)</.exec(body ?? '')?.[1] ?? '';
}

function details({ code, status, network, requestId }: AbsFailure): string {
  const what = status === undefined ? (network ?? code) : `${code}, HTTP ${status}`;
  return requestId === undefined ? what : `${what}, request ${requestId}`;
}

/** The SDK's errors carry the request with its signature, and Azure's answers what was signed. */
function withoutSecrets({ code, message }: AbsFailure): Error {
  const cause = new Error(/^(Authen|Author)/.test(code) ? code : message.replace(/\bsig=[^&\s"']+/g, 'sig=…'));
  cause.name = code;
  cause.stack = `${code}: ${cause.message}`;
  return cause;
}
