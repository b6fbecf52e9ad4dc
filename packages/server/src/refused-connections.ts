import type { Logger } from './logger.ts';

/** The least time between two lines: connections are refused when there is no time for lines. */
const TELL_EVERY_MS = 60_000;

/**
 * Tells the log of connections that were closed because there were as many as are allowed: of the first at
 * once, of further ones together, a minute later or when the server stops.
 */
export class RefusedConnections {
  readonly #logger: Logger;
  readonly #maxConnections: number;
  #untold = 0;
  #total = 0;
  #pause: NodeJS.Timeout | undefined;

  constructor(logger: Logger, maxConnections: number) {
    this.#logger = logger;
    this.#maxConnections = maxConnections;
  }

  add(): void {
    this.#untold++;
    this.#total++;
    if (this.#pause === undefined) this.#tell();
  }

  /** Tells what was not told yet. */
  close(): void {
    clearTimeout(this.#pause);
    this.#tell();
    clearTimeout(this.#pause);
  }

  #tell(): void {
    this.#pause = undefined;
    if (this.#untold === 0) return;
    const fields = { dropped: this.#untold, total: this.#total, maxConnections: this.#maxConnections };
    this.#untold = 0;
    this.#logger.warn(fields, 'Connections were refused: there are as many as TINTYPE_MAX_CLIENTS allows.');
    this.#pause = setTimeout(() => this.#tell(), TELL_EVERY_MS).unref();
  }
}
