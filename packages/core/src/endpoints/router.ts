/** What of a request target lies below an endpoint, with the query; it begins with a slash. */
export interface Routed<T> {
  readonly endpoint: T;
  readonly rest: string;
}

/** Finds the endpoint of a target: the longest path that is the target's or lies above it. */
export class Router<T extends { readonly prefix: string }> {
  readonly #endpoints: readonly T[];

  constructor(endpoints: readonly T[]) {
    this.#endpoints = [...endpoints].sort((a, b) => b.prefix.length - a.prefix.length);
  }

  find(target: string): Routed<T> | undefined {
    for (const endpoint of this.#endpoints) {
      const { prefix } = endpoint;
      if (!target.startsWith(prefix)) continue;
      const next = target.charCodeAt(prefix.length);
      if (next === SLASH) return { endpoint, rest: prefix === '' ? target : target.slice(prefix.length) };
      if (prefix !== '' && (Number.isNaN(next) || next === QUESTION)) {
        return { endpoint, rest: `/${target.slice(prefix.length)}` };
      }
    }
    return undefined;
  }
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
