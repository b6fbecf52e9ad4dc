import type { ProxyEvent } from '../contracts/observer.ts';
import { type Origin, OriginError, type OriginResponse } from '../contracts/origin.ts';

/** Finds the origin for a source, and fetches. */
export class Sources {
  readonly #byScheme: ReadonlyMap<string, Origin>;
  readonly #maxBytes: number;
  readonly #emit: (event: ProxyEvent) => void;

  /**
   * @param maxBytes `TINTYPE_MAX_SRC_FILE_SIZE`; 0 = unlimited.
   * @throws Error if two origins take the same scheme.
   */
  constructor(origins: readonly Origin[], maxBytes: number, emit: (event: ProxyEvent) => void) {
    const byScheme = new Map<string, Origin>();
    for (const origin of origins) {
      for (const scheme of origin.schemes) {
        if (byScheme.has(scheme)) throw new Error(`Two origins take ${scheme}:// sources.`);
        byScheme.set(scheme, origin);
      }
    }
    this.#byScheme = byScheme;
    this.#maxBytes = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes;
    this.#emit = emit;
  }

  /** @throws OriginError where there was no answer; a missing source is an answer. */
  async fetch(source: string, signal: AbortSignal): Promise<OriginResponse> {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase();
    if (scheme === undefined) {
      throw new OriginError(
        'invalid-source',
        'The source has no scheme; expected something like https://… or local:///….',
      );
    }
    const origin = this.#byScheme.get(scheme);
    if (origin === undefined) {
      const known = [...this.#byScheme.keys()].map((name) => `${name}://`).join(', ');
      throw new OriginError('refused', `Sources with ${scheme}:// are not served here; what is: ${known || 'none'}.`);
    }
    const started = performance.now();
    const response = await origin.fetch(source, { headers: {}, maxBytes: this.#maxBytes, signal });
    this.#emit({ type: 'fetched', scheme, status: response.status, ms: performance.now() - started });
    return response;
  }
}
