import { createHash } from 'node:crypto';
import {
  type FieldPair,
  hasField,
  type OriginFailure,
  type Policy,
  type StatusSeconds,
  secondsFor,
} from '@tintype/http-cache';
import { LRUCache } from 'lru-cache';
import { RequestError } from '../contracts/dialect.ts';
import { OriginError } from '../contracts/origin.ts';
import type { Landing } from './landing.ts';

/** Failures that are remembered. */
const MAX_FAILURES = 10_000;

/** A question to the origins, as it goes to them. */
export interface Asked {
  readonly key: string;
  readonly fields: readonly FieldPair[];
}

/** A question that the origins failed at lately. */
export interface RememberedFailure {
  readonly failure: OriginFailure;
  /** What is answered meanwhile, where no stored response stands in. */
  readonly error: unknown;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Questions that the origins failed at lately: who asks the very same within a short time gets the same
 * answer, and the origins are left alone. The same are those with the same fields: what one client has
 * said in its fields, and may have failed by, decides nothing for others. In memory, and gone with the
 * process.
 */
export class Failures {
  readonly #byQuestion = new LRUCache<string, RememberedFailure>({ max: MAX_FAILURES });
  readonly #seconds: (status: number) => number;

  /**
   * @param policy of the endpoint: its default lifetimes by status count first.
   * @param general seconds by status for all else; a question without an answer counts as 502 or 504.
   */
  constructor({ defaultTtl }: Policy, general: StatusSeconds) {
    this.#seconds = (status) => secondsFor(defaultTtl, status) ?? secondsFor(general, status) ?? 0;
  }

  get(asked: Asked, now: number): RememberedFailure | undefined {
    if (this.#byQuestion.size === 0) return undefined;
    const remembered = this.#byQuestion.get(nameOf(asked));
    return remembered !== undefined && remembered.until > now ? remembered : undefined;
  }

  /** Notes what a question came to: a failure, or that there is none any more. */
  note(asked: Asked, landing: Landing, now: number): void {
    const failed = failureOf(landing);
    const seconds = failed === undefined ? 0 : this.#seconds(failed.status);
    if (failed === undefined || seconds <= 0) {
      if (this.#byQuestion.size > 0) this.#byQuestion.delete(nameOf(asked));
      return;
    }
    // RFC 9111 §3.5: what is asked for with credentials is nobody else's.
    if (hasField(asked.fields, 'authorization')) return;
    const { failure, error } = failed;
    this.#byQuestion.set(nameOf(asked), { failure, error, until: now + seconds * 1_000 });
  }
}

/** Statuses that are failures. RFC 5861 §4. */
const FAILURES: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** Fields by which an answer says itself for how long it is right. */
const TELLING = ['cache-control', 'expires', 'retry-after', 'set-cookie'] as const;

/** Whether an answer says itself for how long it is right, or for whom: then nobody else decides that. */
export function saysHowLong(fields: readonly FieldPair[]): boolean {
  return TELLING.some((name) => hasField(fields, name));
}

type Failed = Pick<RememberedFailure, 'failure' | 'error'> & { readonly status: number };

function failureOf(landing: Landing): Failed | undefined {
  if (landing.kind === 'private') {
    const { status, fields } = landing.answer;
    const isFailure = FAILURES.has(status) && !saysHowLong(fields);
    return isFailure ? { status, failure: status, error: answered(status) } : undefined;
  }
  if (landing.kind !== 'failed') return undefined;
  const { failure, error } = landing;
  if (failure !== 'disconnected') {
    const isSilent = error === undefined && !landing.saysHowLong;
    return isSilent ? { status: failure, failure, error: answered(failure) } : undefined;
  }
  const status = OriginError.is(error) ? STATUS_OF[error.code] : undefined;
  return status === undefined ? undefined : { status, failure, error };
}

/** Failures of an origin that soon may be over, by the status that clients get. */
const STATUS_OF: { readonly [code in OriginError['code']]?: number } = { unavailable: 502, timeout: 504 };

function answered(status: number): RequestError {
  return new RequestError(status, 'origin-failed', `The origin answered ${status} a moment ago; try again later.`);
}

function nameOf({ key, fields }: Asked): string {
  const text = fields.map(([name, value]) => `${name.toLowerCase()}: ${value}\n`).join('');
  return `${key} ${createHash('sha256').update(text).digest('base64url')}`;
}
