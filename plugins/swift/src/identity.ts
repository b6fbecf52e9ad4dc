import { unlessAborted } from '@tintype/core';
import { LoginError } from './errors.ts';
import { type Login, logIn } from './login.ts';
import type { Credentials } from './options.ts';

/** A token is replaced this long before it ends, or when a tenth of its life is left, in milliseconds. */
const EARLY_MS = 5 * 60_000;

/** Between two attempts to replace a token that still works, in milliseconds. */
const PAUSE_MS = 5_000;

/** How one logs in: `logIn`, except in tests. */
export type LogIn = typeof logIn;

/**
 * The login that requests are signed with: one for all who ask at the same time, replaced before it
 * ends while others still use it, and when it is refused.
 */
export class Identity {
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  readonly #logIn: LogIn;
  readonly #now: () => number;
  readonly #closing = new AbortController();
  #login: Login | undefined;
  /** From then on a new one is looked for while this one works. */
  #renewAt = 0;
  #flight: Promise<Login> | undefined;

  /** @param timeoutMs longest time for a login; 0 = no limit. */
  constructor(credentials: Credentials, timeoutMs: number, login: LogIn = logIn, now: () => number = Date.now) {
    this.#credentials = credentials;
    this.#timeoutMs = timeoutMs;
    this.#logIn = login;
    this.#now = now;
  }

  /** The login that is known, or else a new one. @throws LoginError; the signal's reason. */
  async current(signal: AbortSignal): Promise<Login> {
    const login = this.#login;
    const now = this.#now();
    if (login === undefined || now >= login.expiresAt) return unlessAborted(this.#renew(), signal);
    if (now >= this.#renewAt) {
      this.#renewAt = now + PAUSE_MS;
      // Whoever needs it once this one has ended is told of a failure.
      this.#renew().catch(() => undefined);
    }
    return login;
  }

  /** Another login than the one that was refused. */
  async instead(refused: Login, signal: AbortSignal): Promise<Login> {
    this.forget(refused);
    return this.current(signal);
  }

  /** The next request makes another one than this, which was refused. */
  forget(refused: Login): void {
    if (this.#login === refused) this.#login = undefined;
  }

  /** Breaks off a login that is under way. */
  close(): void {
    this.#closing.abort(new LoginError({ closed: true }));
  }

  #renew(): Promise<Login> {
    this.#flight ??= this.#begin().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #begin(): Promise<Login> {
    const limit = new AbortController();
    const late = () => limit.abort(new LoginError({ late: true }));
    const timer = this.#timeoutMs > 0 ? setTimeout(late, this.#timeoutMs) : undefined;
    try {
      const login = await this.#logIn(
        this.#credentials,
        AbortSignal.any([limit.signal, this.#closing.signal]),
        this.#now,
      );
      const life = login.expiresAt - this.#now();
      this.#renewAt = login.expiresAt - Math.min(EARLY_MS, life / 10);
      this.#login = login;
      return login;
    } finally {
      clearTimeout(timer);
    }
  }
}
