import type { ImageRequest } from '../contracts/dialect.ts';
import { TransformError } from '../contracts/transformer.ts';
import { ALWAYS, type MayWait, ShedError } from './background.ts';
import { Semaphore } from './semaphore.ts';

export interface IntakeOptions {
  /** Downloads at a time from one host; `Infinity` for no limit. */
  readonly perHost: number;
  /**
   * Images in the making at a time, from the download to the end of the transform, and as many raw
   * sources on their way; `Infinity` for no limit.
   */
  readonly total: number;
  /** Images that may wait for one host; `Infinity` for no limit. */
  readonly queuePerHost: number;
}

/** What an image in the making holds, or a raw source on its way. Both calls are idempotent, and `done` includes `downloaded`. */
export interface Place {
  /** Whether the source has not come yet. */
  readonly isDownloading: boolean;
  /** The host is free for the next one. */
  downloaded(): void;
  done(): void;
}

/**
 * Lets so many images be made at a time, and asks no host for more than so many of them. A host that
 * does not answer holds its own places and not those of the others: waiting for it comes first and
 * costs nothing but a place in its queue.
 */
export class Intake {
  #options: IntakeOptions;
  readonly #hosts = new Map<string, Semaphore>();
  readonly #under = { transform: 0, raw: 0 };

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Other limits from now on; what is under way stays so. */
  resize(options: IntakeOptions): void {
    this.#options = options;
    for (const host of this.#hosts.values()) host.resize(options.perHost, options.queuePerHost);
  }

  /** Images that wait for their host. */
  get waiting(): number {
    let waiting = 0;
    for (const host of this.#hosts.values()) waiting += host.waiting;
    return waiting;
  }

  /** Images in the making. */
  get making(): number {
    return this.#under.transform;
  }

  /**
   * Resolves when the source may be fetched. Raw sources are counted apart: one that comes slowly takes
   * none of the places where images are made.
   *
   * @throws TransformError `overloaded` if too much is waiting or in the making; ShedError if it may not
   *   wait; the signal's reason if it is aborted before.
   */
  async enter(
    source: string,
    mode: ImageRequest['mode'],
    signal: AbortSignal,
    mayWait: MayWait = ALWAYS,
  ): Promise<Place> {
    const leaveHost = await this.#enterHost(source, signal, mayWait);
    if (this.#under[mode] >= this.#options.total) {
      leaveHost();
      if (!mayWait()) throw new ShedError();
      throw new TransformError('overloaded', 'Too many images are being made at this moment; try again later.', {
        // For the log: it names what an operator can set.
        cause: `${this.#options.total} are in the making, as many as TINTYPE_WORKERS and TINTYPE_REQUESTS_QUEUE_SIZE allow`,
      });
    }
    this.#under[mode]++;
    let isDone = false;
    let isDownloading = true;
    const downloaded = (): void => {
      isDownloading = false;
      leaveHost();
    };
    return {
      get isDownloading() {
        return isDownloading;
      },
      downloaded,
      done: () => {
        if (isDone) return;
        isDone = true;
        downloaded();
        this.#under[mode]--;
      },
    };
  }

  /**
   * Resolves when another request may go to the host of `source`, with how to leave it (idempotent): for
   * what is passed on and not made into anything.
   *
   * @throws TransformError `overloaded` if too much waits for it; ShedError if it may not wait; the signal's
   *   reason if it is aborted before.
   */
  async visit(source: string, signal: AbortSignal, mayWait: MayWait = ALWAYS): Promise<() => void> {
    try {
      return await this.#enterHost(source, signal, mayWait);
    } catch (error) {
      if (!TransformError.is(error) || error instanceof ShedError) throw error;
      throw new TransformError('overloaded', 'Too many requests wait for this origin already; try again later.', {
        cause: error.cause,
      });
    }
  }

  async #enterHost(source: string, signal: AbortSignal, mayWait: MayWait): Promise<() => void> {
    const { perHost, queuePerHost } = this.#options;
    const host = hostOf(source);
    if (host === undefined || perHost === Number.POSITIVE_INFINITY) return () => undefined;
    let semaphore = this.#hosts.get(host);
    if (semaphore === undefined) {
      semaphore = new Semaphore(perHost, queuePerHost, () => this.#hostIsBusy());
      this.#hosts.set(host, semaphore);
    }
    // Only this one: by now the host may have another, with others in it.
    const tidy = () => {
      if (semaphore.running === 0 && this.#hosts.get(host) === semaphore) this.#hosts.delete(host);
    };
    try {
      const leave = await semaphore.enter(signal, mayWait);
      return () => {
        leave();
        tidy();
      };
    } catch (error) {
      tidy();
      throw error;
    }
  }

  /** The proxy has room, and its operator may let more of it go to one host. */
  #hostIsBusy(): TransformError {
    const { perHost, queuePerHost } = this.#options;
    return new TransformError('overloaded', 'Too many images wait for the host of this source; try again later.', {
      cause: `${perHost} are asked of it and ${queuePerHost} wait, as many as TINTYPE_MAX_DOWNLOADS_PER_HOST and TINTYPE_REQUESTS_QUEUE_SIZE allow`,
    });
  }
}

/** Ports that `http` and `https` imply: one server, however it is written. */
const WEB_PORTS = new Set(['', '80', '443']);

/**
 * Host and port, or bucket, of a source: the same for every spelling of it. `undefined` where there is
 * none (`local:///…`). What is no URL shares one place with all that is none.
 */
function hostOf(source: string): string | undefined {
  const url = URL.parse(source);
  if (url === null) return '?';
  const host = url.hostname.toLowerCase().replace(/\.$/, '');
  if (host === '') return undefined;
  return WEB_PORTS.has(url.port) ? host : `${host}:${url.port}`;
}
