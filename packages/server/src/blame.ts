import { OriginError, RequestError, StorageError, TransformError } from '@tintype/core';
import { hideSecrets } from './redaction.ts';

/** Whose turn it is after an answer that is no success: ours, whoever runs the proxy, or nobody's in particular. */
export type Blame = 'defect' | 'operator' | 'circumstances';

interface Problem {
  readonly code: string;
  readonly cause?: unknown;
}

/** Longest sentence about what went wrong, in characters. */
const LONGEST_REASON = 2_048;
/** Causes of causes that are told. */
const DEEPEST = 5;

/**
 * Who must act, told by the error that is behind an answer.
 *
 * | error | who |
 * |---|---|
 * | none that Tintype knows, and those with the code `internal` | `defect`: somebody must look at the code |
 * | a source that is `misconfigured`; a cache that fails and will not recover by itself | `operator` |
 * | overload, time-outs, unreachable or broken sources, what clients ask for wrongly | `circumstances` |
 */
export function blameFor({ code, cause }: Problem): Blame {
  if (cause === undefined) return code === 'internal' ? 'defect' : 'circumstances';
  if (OriginError.is(cause)) return cause.code === 'misconfigured' ? 'operator' : 'circumstances';
  if (RequestError.is(cause)) return 'circumstances';
  if (TransformError.is(cause)) return cause.code === 'internal' ? 'defect' : 'circumstances';
  if (!StorageError.is(cause)) return 'defect';
  if (cause.code === 'internal') return 'defect';
  return cause.retryable ? 'circumstances' : 'operator';
}

/** An error and its causes in one line, with secrets hidden: `The source is not reachable: connect ECONNREFUSED …`. */
export function reasonFor(cause: unknown): string | undefined {
  const parts: string[] = [];
  let error = cause;
  for (let depth = 0; error !== undefined && error !== null && depth < DEEPEST; depth++) {
    const part = sentenceOf(error);
    // Who wraps an error often quotes it.
    if (part !== '' && !parts.some((before) => before.includes(part))) parts.push(part);
    error = error instanceof Error ? error.cause : undefined;
  }
  if (parts.length === 0) return undefined;
  const text = hideSecrets(
    parts.map((part, at) => (at < parts.length - 1 ? part.replace(/\.$/, '') : part)).join(': '),
  );
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;
}

/** On one line. Of several failed connections Node gives a code and no message. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const lines = (message === '' ? code : message).split(/[\r\n]+/);
  return lines.map((line) => line.trim()).join(' ');
}
