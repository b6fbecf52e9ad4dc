import type { CheckResult, OperationContext, StorageAdapter } from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';

/** Milliseconds between attempts to open a tier while another one works. */
const REOPEN_MS = 5_000;
/** Longest time for one such attempt. */
const ATTEMPT_MS = 30_000;

/** A storage that takes longer than this to open is done without in the meantime, in milliseconds. */
export const OPEN_PATIENCE_MS = 4_000;

/** One storage of several, which is opened and closed by itself: the others go on without it. */
export class Tier {
  readonly adapter: StorageAdapter;
  readonly #onProblem: (error: unknown) => void;
  readonly #life = new AbortController();
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #problem: unknown;
  #told: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onProblem told why the others go on without it; of the same reason only once. */
  constructor(adapter: StorageAdapter, onProblem: (error: unknown) => void) {
    this.adapter = adapter;
    this.#onProblem = onProblem;
  }

  /** Whether it may be asked. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens it, unless it is open; joins an attempt that is under way. */
  open(signal: AbortSignal): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Tries again and again, in the background, until it is open or closed. */
  keepOpening(): void {
    if (this.#isOpen || this.#life.signal.aborted) return;
    if (this.#problem !== undefined && this.#told !== this.#reason) this.#onProblem(this.#problem);
    this.#told = this.#reason;
    this.#timer = setTimeout(() => {
      this.open(AbortSignal.timeout(ATTEMPT_MS)).catch(() => this.keepOpening());
    }, REOPEN_MS);
    this.#timer.unref();
  }

  /** Closes it if it is open, or once it is: an adapter that takes its time to open must not stay so. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#life.abort(new Error('The storage was closed.'));
    await this.#opening?.catch(() => undefined);
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.adapter.close();
  }

  /** What its operations reject with while it is not open. */
  get unopened(): StorageError {
    return new StorageError({
      code: 'unavailable',
      message: this.#reason,
      retryable: false,
      cause: this.#problem,
    });
  }

  async check(context: OperationContext): Promise<CheckResult> {
    await this.open(context.signal).catch(() => undefined);
    if (this.#isOpen) return this.adapter.check(context);
    return { ok: false, summary: 'a storage that is not open', problem: this.#reason };
  }

  get #reason(): string {
    if (this.#problem === undefined) return 'This storage is still being opened.';
    return this.#problem instanceof Error ? this.#problem.message : String(this.#problem);
  }

  async #open(signal: AbortSignal): Promise<void> {
    try {
      await this.adapter.open({ signal: AbortSignal.any([signal, this.#life.signal]) });
      this.#isOpen = true;
      this.#problem = undefined;
    } catch (error) {
      this.#problem = error;
      throw error;
    }
  }
}
