/** A timer that comes later than this, in milliseconds, tells that the process itself stood still. */
const USUAL_DELAY_MS = 20;

/**
 * A timer for what others have to do in time, which gives back what this process itself took: it stood still (another
 * program had the processor, garbage was collected), so an answer may be here already and only waits to be looked at.
 * Node runs timers before it looks at sockets and files, so without this a pause longer than the deadline would count
 * as a failure of whatever was asked meanwhile. (Node.js, "The Node.js Event Loop": timers come before poll.)
 *
 * At most it takes twice its time, and the last delay.
 */
export class DeadlineTimer {
  readonly #ms: number;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout;
  #dueAt: number;
  /** Milliseconds that may still be given back. */
  #left: number;

  /** @param ms of a deadline; begins now. */
  constructor(ms: number, onDue: () => void) {
    this.#ms = ms;
    this.#onDue = onDue;
    this.#left = ms;
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(this.#look, ms);
  }

  /** Begins anew. */
  refresh(): void {
    this.#dueAt = performance.now() + this.#ms;
    if (this.#left === this.#ms) {
      this.#timer.refresh();
    } else {
      this.#left = this.#ms;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.#look, this.#ms);
    }
  }

  /** It does not come any more. */
  clear(): void {
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    const now = performance.now();
    const back = Math.min(now - this.#dueAt, this.#left);
    if (back <= USUAL_DELAY_MS) {
      this.#onDue();
      return;
    }
    this.#left -= back;
    this.#dueAt = now + back;
    this.#timer = setTimeout(this.#look, back);
  };
}
