import { OriginError, type OriginErrorCode } from '../contracts/origin.ts';
import { StorageError, type StorageErrorCode } from '../contracts/storage-error.ts';

/** What a storage's failure is for an origin. */
const CODES: { readonly [code in StorageErrorCode]?: OriginErrorCode } = {
  'access-denied': 'misconfigured',
  misconfigured: 'misconfigured',
  timeout: 'timeout',
};

const SENTENCES: { readonly [code in OriginErrorCode]?: string } = {
  misconfigured: 'The server cannot read this source.',
  timeout: 'The source did not answer in time.',
};

const UNKNOWN = 'The source could not be fetched.';

/**
 * The failure of a bucket as the failure of an origin, in words for whoever made the request: the
 * bucket's state is the operator's, and lies in the cause.
 */
export function asOriginError(error: unknown): OriginError {
  const code = StorageError.is(error) ? (CODES[error.code] ?? 'unavailable') : 'unavailable';
  return new OriginError(code, SENTENCES[code] ?? UNKNOWN, { cause: error });
}
