import { StorageError, type StorageErrorInit } from '../contracts/storage-error.ts';
import { isNeverSent, networkVerdict, retryAfterMs, type Verdict } from './network-failure.ts';

/** What is read of a failure, whichever library has told it. */
export interface ServiceFailure {
  /** The service's word for it, or the library's: `NoSuchKey`, `TimeoutError`. */
  readonly code?: string | undefined;
  /** `undefined` where no answer came. */
  readonly status?: number | undefined;
  /** `Retry-After` of the answer. */
  readonly retryAfter?: string | undefined;
  /** The operating system's, TLS's or the HTTP parser's code: `ECONNREFUSED`. */
  readonly network?: string | undefined;
  /** What the operating system was doing: `connect`. */
  readonly syscall?: unknown;
  /** What came before the request and failed, so that nothing was sent: `login`. */
  readonly step?: string | undefined;
  /** What the service's logs know it by: `request 7b4`. */
  readonly trace?: string | undefined;
  /** What was said. Without credentials, signatures and tokens: it becomes the cause. */
  readonly message: string;
  /** What it means, where the tables do not tell. */
  readonly verdict?: Verdict | undefined;
}

/** What words or numbers of a service mean. */
export interface Verdicts {
  readonly [codeOrStatus: string]: Verdict;
}

/** How a service fails. */
export interface ServiceFailures {
  /** `S3`. */
  readonly service: string;
  /** What it calls the place of entries: `bucket`. */
  readonly noun: 'bucket' | 'container';
  /** By its own words. */
  readonly byCode: Verdicts;
  /** By status, where the word says nothing: other than `BY_STATUS`, or more. */
  readonly byStatus: Verdicts;
  read(error: unknown): ServiceFailure;
}

/** Where something happened: for the sentence, and for what a lost answer means. */
export interface FailureContext {
  readonly bucket: string;
  /** Whether it would have changed anything. */
  readonly write: boolean;
  readonly signal?: AbortSignal | undefined;
}

const SLOW = 'the service asks for fewer requests';

/** What an answer means by its status alone, whoever gives it. RFC 9110 §15, RFC 4918 §11. */
const BY_STATUS: Verdicts = {
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
 * What an error of a service means for a storage: `StorageError`, or the reason of the signal if the
 * operation was given up.
 */
export function toStorageError(failures: ServiceFailures, error: unknown, context: FailureContext): unknown {
  const { bucket, write, signal } = context;
  if (signal?.aborted) return signal.reason;
  if (StorageError.is(error)) return error;
  const failure = failures.read(error);
  const [code, sentence] = verdictOn(failure, failures);
  const waitMs = retryAfterMs(failure.retryAfter);
  const init: StorageErrorInit = {
    code,
    message: `${failures.service} ${failures.noun} ${bucket}: ${sentence} (${details(failure)}).`,
    applied: write && mayHaveHappened(failure, code) ? 'unknown' : 'no',
    cause: causeOf(failure),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    // Told to wait, whatever the code.
    ...(waitMs !== undefined && code === 'unavailable' && { code: 'rate-limited' as const }),
  };
  return new StorageError(init);
}

/** The meaning of a failure: of what was said before what it was said with. */
function verdictOn(failure: ServiceFailure, { service, byCode, byStatus }: ServiceFailures): Verdict {
  const { code, status, network } = failure;
  const known =
    failure.verdict ??
    ofTable(byCode, code) ??
    (network === undefined ? undefined : networkVerdict(network)) ??
    ofTable(byStatus, status) ??
    ofTable(BY_STATUS, status);
  if (known !== undefined) return known;
  if (status === undefined) return ['internal', 'the request failed in an unforeseen way'];
  if (status >= 500) return ['unavailable', 'the service failed'];
  // An answer of 2xx that cannot be read, or a redirect.
  if (status < 400) return ['unavailable', `the answer is not what ${service} answers; check ENDPOINT`];
  return ['internal', 'the service refused the request'];
}

function ofTable(table: Verdicts, word: string | number | undefined): Verdict | undefined {
  return word !== undefined && Object.hasOwn(table, word) ? table[word] : undefined;
}

/** Whether the service may have done it all the same. */
function mayHaveHappened({ status, network, syscall, step }: ServiceFailure, code: string): boolean {
  if (step !== undefined) return false;
  if (status === undefined) return !isNeverSent(network, syscall);
  // Throttled is refused; any other failure of the server may have come after the deed.
  return status < 300 || (status >= 500 && status !== 501 && code !== 'rate-limited');
}

function details({ code, status, network, step, trace }: ServiceFailure): string {
  const word = status === undefined ? (network ?? code) : code;
  const said = [step, word, status === undefined ? undefined : `HTTP ${status}`, trace];
  const told = said.filter((part) => part !== undefined);
  return told.length === 0 ? 'Error' : told.join(', ');
}

/** The libraries' errors carry the request with its signature or token: what is safe is made anew. */
function causeOf({ code, network, step, message }: ServiceFailure): Error {
  const cause = new Error(message);
  cause.name = code ?? network ?? step ?? 'Error';
  cause.stack = `${cause.name}: ${message}`;
  return cause;
}

/** The same of a listing that is forbidden: with a sentence about what that means and what to do. */
export function asForbiddenListing(failure: unknown, message: string): unknown {
  if (!StorageError.is(failure)) return failure;
  return new StorageError({ code: failure.code, message, cause: failure.cause });
}
