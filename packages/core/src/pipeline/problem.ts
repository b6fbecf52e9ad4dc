import { retryAfterMs } from '../cloud/network-failure.ts';
import { RequestError } from '../contracts/dialect.ts';
import { OriginError, type OriginResponse } from '../contracts/origin.ts';
import { StorageError } from '../contracts/storage-error.ts';
import { TransformError } from '../contracts/transformer.ts';

/** An answer that is no image: one status, one sentence, and what stays inside for the log. */
export interface Problem {
  readonly status: number;
  /** A stable word. */
  readonly code: string;
  /** The sentence that the client gets. */
  readonly message: string;
  /** Seconds after which another try makes sense. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

const ORIGIN_STATUS = {
  refused: 403,
  'invalid-source': 400,
  unavailable: 502,
  timeout: 504,
  'too-large': 422,
  'too-many-redirects': 502,
  misconfigured: 502,
} as const satisfies Record<OriginError['code'], number>;

const TRANSFORM_STATUS = {
  'not-an-image': 422,
  'broken-image': 422,
  'too-many-pixels': 422,
  'too-many-frames': 422,
  'result-too-large': 422,
  unsupported: 400,
  timeout: 504,
  overloaded: 503,
  crashed: 503,
  internal: 500,
} as const satisfies Record<TransformError['code'], number>;

/** Seconds after which another try may find room here, or the source less busy, unless it says when. */
const RETRY_AFTER = { here: 1, source: 5 };

/** The longest time that clients are told to wait, in seconds: a source may say anything. */
const LONGEST_WAIT = 86_400;

/** Seconds that a source wants to be left alone, of an error that `originError` made. */
const waits = new WeakMap<RequestError, number>();

/**
 * What the client is told of `error`. Messages of foreign errors stay inside.
 *
 * @param overloadStatus where there is no room, instead of 503.
 */
export function problemOf(error: unknown, overloadStatus = 503): Problem {
  if (RequestError.is(error)) {
    const { status, code, message } = error;
    return {
      status,
      code,
      message,
      cause: error,
      ...(status === 503 ? { retryAfter: waits.get(error) ?? RETRY_AFTER.source } : {}),
    };
  }
  if (OriginError.is(error)) {
    return { status: ORIGIN_STATUS[error.code], code: `origin-${error.code}`, message: error.message, cause: error };
  }
  if (TransformError.is(error)) {
    const status = TRANSFORM_STATUS[error.code];
    return {
      status: error.code === 'overloaded' ? overloadStatus : status,
      code: error.code,
      message: error.message,
      cause: error,
      ...(status === 503 ? { retryAfter: RETRY_AFTER.here } : {}),
    };
  }
  if (StorageError.is(error)) {
    return { status: 500, code: `cache-${error.code}`, message: 'The cache failed.', cause: error };
  }
  return { status: 500, code: 'internal', message: 'Something went wrong here.', cause: error };
}

/** What an origin's answer other than success means for whoever asked for the image. */
function originProblem(status: number): Problem {
  if (status === 404 || status === 410) {
    return { status, code: 'source-not-found', message: 'There is no image at this source.' };
  }
  if (status === 401 || status === 403) {
    return { status: 403, code: 'source-denied', message: 'The source does not give out this image.' };
  }
  if (status === 508) {
    return { status, code: 'loop', message: 'The source of this image leads back to a proxy on the way to it.' };
  }
  if (status === 429) {
    return {
      status: 503,
      code: 'origin-busy',
      message: 'The source is too busy to answer; try again later.',
    };
  }
  return { status: 502, code: 'origin-status', message: `The source answered with status ${status}.` };
}

/**
 * The error that stands for an origin's answer other than success. A busy one's `Retry-After` goes to the client.
 *
 * @param now in milliseconds since 1970.
 */
export function originError(
  { status, headers }: Pick<OriginResponse, 'status' | 'headers'>,
  now: number,
): RequestError {
  const { status: answer, code, message } = originProblem(status);
  const error = new RequestError(answer, code, message);
  const ms = status === 429 ? retryAfterMs(headers['retry-after'], now) : undefined;
  if (ms !== undefined) waits.set(error, Math.min(Math.max(1, Math.ceil(ms / 1_000)), LONGEST_WAIT));
  return error;
}
