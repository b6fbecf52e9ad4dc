import { TransformError } from '../contracts/transformer.ts';
import { Semaphore } from './semaphore.ts';

export interface IntakeOptions {
  /** Downloads at a time from one host; `Infinity` for no limit. */
  readonly perHost: number;
  /** Images in the making at a time, from the download to the end of the transform; `Infinity` for no limit. */
  readonly total: number;
  /** Images that may wait for one host; `Infinity` for no limit. */
  readonly queuePerHost: number;
}

/** What an image in the making holds. Both calls are idempotent, and `done` includes `downloaded`. */
export interface Place {
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
  readonly #options: IntakeOptions;
  readonly #hosts = new Map<string, Semaphore>();
  #making = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Images in the making. */
  get making(): number {
    return this.#making;
  }

  /**
   * Resolves when the source may be fetched.
   *
   * @throws TransformError `overloaded` if too much is waiting or in the making; the signal's reason
   *   if it is aborted before.
   */
  async enter(source: string, signal: AbortSignal): Promise<Place> {
    const leaveHost = await this.#enterHost(source, signal);
    if (this.#making >= this.#options.total) {
      leaveHost();
      throw new TransformError('overloaded', 'Too many images are being made at this moment; try again later.');
    }
    this.#making++;
    let isDone = false;
    return {
      downloaded: leaveHost,
      done: () => {
        if (isDone) return;
        isDone = true;
        leaveHost();
        this.#making--;
      },
    };
  }

  async #enterHost(source: string, signal: AbortSignal): Promise<() => void> {
    const { perHost, queuePerHost } = this.#options;
    const host = hostOf(source);
    if (host === undefined || perHost === Number.POSITIVE_INFINITY) return () => undefined;
    let semaphore = this.#hosts.get(host);
    if (semaphore === undefined) {
      semaphore = new Semaphore(perHost, queuePerHost);
      this.#hosts.set(host, semaphore);
    }
    const tidy = () => {
      if (semaphore.running === 0) this.#hosts.delete(host);
    };
    try {
      const leave = await semaphore.enter(signal);
      return () => {
        leave();
        tidy();
      };
    } catch (error) {
      tidy();
      throw error;
    }
  }
}

/** `host:port` or bucket of a source; `undefined` where there is none (`local:///…`). */
function hostOf(source: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(source)?.[1];
  const host = authority?.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  return host === '' ? undefined : host;
}
