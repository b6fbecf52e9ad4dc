import { isUtf8 } from 'node:buffer';
import { type HttpFields, OriginError } from '@tintype/core';
import { resolveRedirect, type Source } from './source.ts';

/** RFC 9110 §15.4. 300 offers a choice and 304 is an answer; neither is followed. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Follows the hops of one download. */
export class RedirectChain {
  readonly #limit: number;
  readonly #visited = new Set<string>();

  constructor(start: Source, limit: number) {
    this.#limit = limit;
    this.#visited.add(start.href);
  }

  /**
   * Where an answer leads; `undefined` if it is to be taken as it is, which a redirect without a
   * `Location` is too.
   *
   * @throws OriginError `too-many-redirects` beyond the limit or in a circle; what `resolveRedirect` throws.
   */
  next(status: number, headers: HttpFields, from: Source): Source | undefined {
    const location = headers.location;
    if (!REDIRECTS.has(status) || location === undefined) return undefined;
    if (this.#visited.size > this.#limit) {
      throw new OriginError('too-many-redirects', `The source redirects more than ${this.#limit} times.`);
    }
    const next = resolveRedirect(text(location), from);
    if (this.#visited.has(next.href)) {
      throw new OriginError('too-many-redirects', 'The source redirects in a circle.');
    }
    this.#visited.add(next.href);
    return next;
  }
}

/** Servers put UTF-8 into this field although HTTP reads fields as Latin-1. */
function text(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1;
}
