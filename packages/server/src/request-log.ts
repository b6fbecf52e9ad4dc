import type { CacheOutcome, ImageProxy } from '@tintype/core';
import { blameFor, reasonFor } from './blame.ts';
import { isProbe } from './front-answers.ts';
import type { HandlerOptions } from './handler-options.ts';
import { LoggedUrls } from './logged-urls.ts';
import { type Logger, requestWriter } from './logger.ts';
import { hideSecrets, redactTarget } from './redaction.ts';

/** What a log line tells about one request. */
export interface RequestRecord {
  readonly method: string;
  /** Below the prefix, as received; redacted when it is written. */
  readonly target: string;
  readonly id: string;
  /** As sent; 499 if the client went away first. */
  readonly status: number;
  /** Of the body, as handed to the connection. */
  readonly bytes: number;
  /** From the request's arrival to the end of the answer, in milliseconds. */
  readonly ms: number;
  readonly cache: CacheOutcome | undefined;
  readonly problem: { readonly code: string; readonly cause?: unknown } | undefined;
}

/** Hears of every answer, when it has been sent. */
export interface RequestSink {
  write(record: RequestRecord): void;
  /** A connection whose bytes were no request. */
  malformed(status: number, code: string): void;
  /** A connection was closed at once, because there were as many as are allowed. */
  refusedConnection?(): void;
}

/** Tells several what one is told; `undefined` if there is none. */
export function allOf(sinks: readonly (RequestSink | undefined)[]): RequestSink | undefined {
  const [first, ...others] = sinks.filter((sink) => sink !== undefined);
  if (first === undefined || others.length === 0) return first;
  return {
    write(record) {
      first.write(record);
      for (const sink of others) sink.write(record);
    },
    malformed(status, code) {
      first.malformed(status, code);
      for (const sink of others) sink.malformed(status, code);
    },
    refusedConnection() {
      first.refusedConnection?.();
      for (const sink of others) sink.refusedConnection?.();
    },
  };
}

/** The client closed the connection before it had its answer. Not a status of HTTP; nginx's word. */
export const CLIENT_CLOSED_REQUEST = 499;

const LEVELS = { error: 50, warn: 40, info: 30, debug: 20 } as const;

/**
 * Writes one line per request. Its level says who must act (`blameFor`): `error` is a defect, whose line has the
 * stack, or what an operator has to mend; `warn` any other answer that is no success, or that broke off; `info` the
 * rest and clients that went away; `debug` probes.
 */
export class RequestLog implements RequestSink {
  readonly #logger: Logger;
  readonly #writeRequest: ((fields: string) => void) | undefined;
  readonly #urls: LoggedUrls;
  readonly #hits: (() => number) | undefined;

  /** @param proxy tells where a target's signature is. */
  constructor(
    logger: Logger,
    prefix: string,
    options: Pick<HandlerOptions, 'redact' | 'logHits'> = {},
    proxy: Pick<ImageProxy, 'signedFrom'> = {},
  ) {
    this.#logger = logger;
    this.#writeRequest = requestWriter(logger);
    this.#urls = new LoggedUrls(prefix, options.redact ?? redactTarget, (target) => proxy.signedFrom?.(target) ?? 0);
    this.#hits = options.logHits;
  }

  write(record: RequestRecord): void {
    const level = levelOf(record);
    // Before anything is built: where `info` is off, a hit costs nothing but this.
    if (LEVELS[level] < this.#logger.levelVal) return;
    const { id, method, status, bytes, problem } = record;
    if (level === 'info' && record.cache?.kind === 'hit' && this.#isLeftOut()) return;
    const cache = cacheWord(record.cache);
    if (level === 'info' && this.#writeRequest !== undefined && problem === undefined) {
      // Nothing but the URL and a method of the client's can need escaping. Few pieces: each costs.
      const asked = method === 'GET' ? GET : `","method":${JSON.stringify(method)},"url":`;
      const answered = status === 200 ? OK : `,"status":${status},"bytes":`;
      const end = cache === 'hit' ? HIT : cache === undefined ? '' : `,"cache":"${cache}"`;
      const url = this.#urls.json(record.target);
      this.#writeRequest(`"id":"${id}${asked}${url}${answered}${bytes},"ms":${hundredths(record.ms)}${end}`);
      return;
    }
    const ms = Number(hundredths(record.ms));
    const url = this.#urls.text(record.target);
    const line = { id, method, url, status, bytes, ms, cache };
    if (problem === undefined) this.#logger[level](line, 'request');
    else this.#logger[level]({ ...line, problem: problem.code, ...why(problem) }, 'request');
  }

  /** Whether this hit is one of those that the sample leaves out. */
  #isLeftOut(): boolean {
    const share = this.#hits?.() ?? 1;
    return share < 1 && Math.random() >= share;
  }

  /** A connection whose bytes were no request: there is nothing to tell but why. */
  malformed(status: number, code: string): void {
    this.#logger.warn({ status, problem: code }, 'malformed request');
  }
}

function levelOf({ status, target, problem }: RequestRecord): keyof typeof LEVELS {
  if (status === CLIENT_CLOSED_REQUEST) return 'info';
  if (isProbe(target)) return 'debug';
  if (problem !== undefined) return blameFor(problem) === 'circumstances' ? 'warn' : 'error';
  return status >= 400 ? 'warn' : 'info';
}

const GET = '","method":"GET","url":';
const OK = ',"status":200,"bytes":';
const HIT = ',"cache":"hit"';

/** After the point, without zeros at the end. */
const FRACTIONS = Array.from({ length: 100 }, (_, hundredths) => String(hundredths / 100).slice(1));

/** A number of two places after the point at most: of whole numbers, which are written in a fraction of the time. */
function hundredths(value: number): string {
  const whole = Math.round(value * 100);
  return `${Math.trunc(whole / 100)}${FRACTIONS[whole % 100]}`;
}

/** A hit is one that was fresh; the others are told apart, because something is slow or broken behind them. */
const LOG_WORDS = { none: 'hit', swr: 'updating', sie: 'stale-on-error', negative: 'negative' } as const;

/** What the cache did, in one word. */
export function cacheWord(cache: CacheOutcome | undefined): string | undefined {
  if (cache === undefined) return undefined;
  if (cache.kind === 'hit') return LOG_WORDS[cache.detail ?? 'none'];
  if (cache.kind !== 'miss') return cache.kind;
  if (cache.collapsed) return 'collapsed';
  if (cache.fwdStatus === 304) return 'revalidated';
  return cache.reason === 'stale' ? 'stale' : 'miss';
}

/** Where an error stood in our code is told only of what is our fault: anyone may cause the others at will. */
function why(problem: NonNullable<RequestRecord['problem']>): object {
  const { cause } = problem;
  return blameFor(problem) === 'defect' ? { cause: describe(cause) } : { reason: reasonFor(cause) };
}

/** A defect for the log, causes included, with secrets hidden. */
function describe(cause: unknown, depth = 0): object | undefined {
  if (cause === undefined) return undefined;
  if (!(cause instanceof Error)) return { message: hideSecrets(String(cause)) };
  return {
    type: cause.name,
    message: hideSecrets(cause.message),
    ...('code' in cause && typeof cause.code === 'string' ? { code: cause.code } : {}),
    ...(cause.stack === undefined ? {} : { stack: hideSecrets(cause.stack) }),
    ...(cause.cause === undefined || depth > 4 ? {} : { cause: describe(cause.cause, depth + 1) }),
  };
}
