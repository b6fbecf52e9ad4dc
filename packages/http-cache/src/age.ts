import { MAX_DELTA_SECONDS } from './cache-control.ts';
import { type Fields, fieldLines, fieldValue } from './fields.ts';
import { parseHttpDate } from './http-date.ts';

/** When a request went out and its response came in, in milliseconds since the epoch. */
export interface ExchangeTimes {
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/**
 * The `Age` of a response in seconds; `undefined` if it has none or, with `'ignore'`, an unusable one.
 *
 * RFC 9111 §5.1 says that of a list the first member counts and that an invalid value is ignored
 * (`'ignore'`). The public test suite, and prudence, say that a response of unknown age is stale
 * (`'stale'`): then everything but one whole number is the greatest age there is.
 */
export function parseAge(fields: Fields, invalid: 'stale' | 'ignore'): number | undefined {
  const lines = fieldLines(fields, 'age');
  if (lines.length === 0) return undefined;
  const text = invalid === 'ignore' ? lines[0]?.split(',')[0]?.trim() : lines.join(',').trim();
  if (text !== undefined && /^\d+$/.test(text)) return Math.min(Number(text), MAX_DELTA_SECONDS);
  return invalid === 'ignore' ? undefined : MAX_DELTA_SECONDS;
}

/** When the origin says it made the response, in milliseconds since the epoch. RFC 9110 §6.6.1. */
export function dateOf(fields: Fields, receivedAt: number): number | undefined {
  return parseHttpDate(fieldValue(fields, 'date'), receivedAt);
}

/**
 * How old a response was when it came in, in milliseconds: the greater of what its `Date` and its
 * `Age` (plus the time it took) say; at most 2³¹ seconds. RFC 9111 §4.2.3.
 */
export function initialAge(fields: Fields, times: ExchangeTimes, options: AgeOptions): number {
  if (options.ignoreAge) return 0;
  const date = dateOf(fields, times.receivedAt);
  // A Date has whole seconds: what is less than one is no age.
  const apparentAge = date === undefined ? 0 : Math.max(0, Math.floor((times.receivedAt - date) / 1000) * 1000);
  const ageValue = parseAge(fields, options.invalidAge);
  const responseDelay = Math.max(0, times.receivedAt - times.requestedAt);
  const correctedAge = ageValue === undefined ? responseDelay : ageValue * 1000 + responseDelay;
  return Math.min(Math.max(apparentAge, correctedAge), MAX_DELTA_SECONDS * 1000);
}

export interface AgeOptions {
  /** Count from our receipt, whatever `Age` and `Date` say (ImageKit does; statement IK8). */
  readonly ignoreAge: boolean;
  readonly invalidAge: 'stale' | 'ignore';
}

/** The `Age` to send, in whole seconds. `bornAt` is when the response's age was 0. RFC 9111 §4.2.3, §5.1. */
export function currentAge(bornAt: number, now: number): number {
  return Math.min(MAX_DELTA_SECONDS, Math.max(0, Math.floor((now - bornAt) / 1000)));
}
