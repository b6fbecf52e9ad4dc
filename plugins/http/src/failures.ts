import { OriginError } from '@tintype/core';

/** The error of a request or a body that took too long. */
export function tooSlow(seconds: number, cause?: unknown): OriginError {
  return new OriginError('timeout', `The source did not answer within ${seconds} seconds.`, { cause });
}

/** The error of a body beyond the limit. */
export function tooLarge(maxBytes: number): OriginError {
  return new OriginError('too-large', `The source has more than the allowed ${maxBytes} bytes.`);
}

/**
 * What a failure of the network, of TLS or of the HTTP client means. The sentences say nothing of
 * addresses; the cause keeps the details for logs.
 */
export function asOriginError(error: unknown, timeoutSeconds: number): OriginError {
  if (OriginError.is(error)) return error;
  const codes = codesOf(error);
  if (codes.some((code) => TIMEOUTS.has(code))) return tooSlow(timeoutSeconds, error);
  for (const code of codes) {
    const sentence = SENTENCES[code];
    if (sentence !== undefined) return new OriginError('unavailable', sentence, { cause: error });
    if (CERTIFICATE.test(code)) {
      return new OriginError('unavailable', 'The TLS certificate of the source is not trusted.', { cause: error });
    }
    if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
      return new OriginError('unavailable', 'No TLS connection to the source could be made.', { cause: error });
    }
    if (code.startsWith('HPE_')) {
      return new OriginError('unavailable', 'The source did not answer in valid HTTP.', { cause: error });
    }
    if (code === 'Z_BUF_ERROR') {
      return new OriginError('unavailable', 'The compressed body of the source ended too early.', { cause: error });
    }
    if (/^Z_|^ERR_(?:_|BROTLI)/.test(code)) {
      return new OriginError('unavailable', 'The compressed body of the source is damaged.', { cause: error });
    }
  }
  return new OriginError('unavailable', 'The source could not be fetched.', { cause: error });
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

const SENTENCES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The host name of the source could not be resolved.',
  EAI_AGAIN: 'The host name of the source could not be resolved.',
  ENODATA: 'The host name of the source could not be resolved.',
  ECONNREFUSED: 'The source refused the connection.',
  EHOSTUNREACH: 'The source could not be reached.',
  ENETUNREACH: 'The source could not be reached.',
  ECONNRESET: 'The source broke the connection off.',
  EPIPE: 'The source broke the connection off.',
  UND_ERR_SOCKET: 'The source broke the connection off.',
  UND_ERR_ABORTED: 'The download of the source was given up.',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'The source sent fewer or more bytes than it announced.',
  UND_ERR_HEADERS_OVERFLOW: 'The header fields of the source are too large.',
  UND_ERR_INVALID_ARG: 'The source cannot be asked with these header fields.',
};

const CERTIFICATE = /CERT|UNABLE_TO_|ERR_TLS_/;

/** The codes of an error and of what an attempt at several addresses collected. */
function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = 'code' in error && typeof error.code === 'string' ? [error.code] : [];
  return error instanceof AggregateError ? [...own, ...error.errors.flatMap(codesOf)] : own;
}
