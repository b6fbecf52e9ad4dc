import type { Observer, ProxyEvent, StoreDropReason } from '@tintype/core';
import { hideSecrets, type Logger } from '@tintype/server';

const MINUTE_MS = 60_000;

/**
 * Tells the log what goes wrong behind the answers: a cache that fails costs nobody an image, so
 * without this line nobody would ever know. Each kind of trouble is logged once a minute, with the
 * number of times it happened since; a broken backend must not flood the log.
 */
export class EventLog implements Observer {
  readonly #now: () => number;
  readonly #kinds = new Map<string, { toldAt: number; untold: number }>();
  #logger: Logger | undefined;
  /** Whether the log was told of transforming processes that end again and again, and not yet of their recovery. */
  #arePaused = false;
  #failsRequests: () => boolean = () => false;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether a failing cache fails requests; may change while it is used. */
  failsRequests(holds: () => boolean): void {
    this.#failsRequests = holds;
  }

  /** The logger is made from settings, which are read after this observer has been handed over. */
  writeTo(logger: Logger): void {
    this.#logger = logger;
  }

  /** A process that transformed ended unasked; it is being replaced. */
  childEnded(reason: string, pid?: number): void {
    const name = pid === undefined ? 'A transforming process' : `The transforming process ${pid}`;
    // Not `pid`: each line has that of the process that writes it.
    this.#warn('child', { endedPid: pid }, `${name} ${reason}; another one is started.`);
  }

  /** One after the other ended soon: the next one is started after a pause. */
  childrenPaused(reason: string, pauseMs: number): void {
    const message = `Transforming processes end again and again, the last one ${reason}: another one is started in ${pauseMs / 1_000} s. Where there is none besides, no image is made until then.`;
    if (this.#warn('children paused', { pauseMs }, message)) this.#arePaused = true;
  }

  /** One that came after such a pause works. Told where the pause was. */
  childrenRecovered(): void {
    if (!this.#arePaused) return;
    this.#arePaused = false;
    this.#logger?.info('Transforming processes work again.');
  }

  observe(event: ProxyEvent): void {
    switch (event.type) {
      case 'cache-error': {
        const { operation, code } = event;
        this.#warn(`${operation} ${code}`, { operation, code }, `The cache failed: ${hideSecrets(event.message)}`);
        break;
      }
      case 'storage-state':
        this.#storageState(event);
        break;
      case 'store-dropped': {
        const message = STORE_DROPPED[event.reason];
        if (message !== undefined) this.#warn(`dropped ${event.reason}`, { reason: event.reason }, message);
        break;
      }
      case 'entry-dropped': {
        const message = ENTRY_DROPPED[event.reason];
        if (message !== undefined) this.#warn(`entry ${event.reason}`, { reason: event.reason }, message);
        break;
      }
      case 'revalidated':
        if (event.outcome === 'shed')
          this.#warn('refresh shed', {}, 'There was no room to refresh results that are in use.');
        break;
      case 'storage-operation':
      case 'fetched':
      case 'waited':
      case 'downloaded':
      case 'transformed':
      case 'stored':
        break;
    }
  }

  /** Each change once: they are rare, and there is one for the end of each trouble. */
  #storageState({ storage, access, state, code }: StorageState): void {
    if (state === 'working') {
      this.#logger?.info({ storage, access }, `The cache storage ${storage} works again: its ${access} go on.`);
      return;
    }
    const doing = this.#failsRequests() ? FAILS_REQUESTS : DOES_WITHOUT[access];
    const message = `The cache storage ${storage} is left alone for a while, because its ${access} fail (${code}); ${doing}.`;
    this.#logger?.warn({ storage, access, code }, message);
  }

  /** Whether it was told now. */
  #warn(kind: string, fields: object, message: string): boolean {
    const seen = this.#kinds.get(kind) ?? { toldAt: Number.NEGATIVE_INFINITY, untold: 0 };
    this.#kinds.set(kind, seen);
    seen.untold += 1;
    if (this.#now() - seen.toldAt < MINUTE_MS) return false;
    this.#logger?.warn({ ...fields, times: seen.untold }, message);
    seen.toldAt = this.#now();
    seen.untold = 0;
    return true;
  }
}

type StorageState = Extract<ProxyEvent, { readonly type: 'storage-state' }>;

const DOES_WITHOUT = {
  reads: 'images are served without it',
  writes: 'results are served and not stored',
} as const;

const FAILS_REQUESTS = 'what needs it is answered with 500, as TINTYPE_CACHE_REPORT_ERRORS says';

/** `undefined` for what is no trouble, or was told as a change of the storage's state. */
const STORE_DROPPED: Readonly<Record<StoreDropReason, string | undefined>> = {
  'first-request': undefined,
  'too-many-variants':
    'A result was served and not stored: within the hour as many variants of its source were stored as TINTYPE_MAX_VARIANTS_PER_SOURCE allows.',
  paused: undefined,
  'metadata-too-large': 'A result was served and not stored: its metadata is larger than the storage takes.',
  'object-too-large': 'A result was served and not stored: it is larger than the storage takes.',
  'queue-full': 'A result was served and not stored: the storage is slower than results come.',
};

const ENTRY_DROPPED = {
  corrupt: 'A damaged cache entry was dropped; it is made anew.',
  gone: undefined,
  forbidden: undefined,
} as const satisfies Readonly<Record<string, string | undefined>>;
