/** URLs that are remembered: some 4 MB where they have 200 characters. */
const MAX_REMEMBERED = 10_000;
/** Longer ones are rare, and are worked out each time. */
const LONGEST_REMEMBERED = 512;

/** Hides secrets of a target whose path with the signature begins at `signedFrom`. */
export type Redact = (target: string, signedFrom: number) => string;

/** Request targets as the log shows them. What is asked for often is redacted and escaped once. */
export class LoggedUrls {
  readonly #prefix: string;
  readonly #redact: Redact;
  readonly #signedFrom: (target: string) => number;
  readonly #remembered = new Map<string, { readonly signedFrom: number; readonly json: string }>();

  /** @param signedFrom asked each time: a reload may turn a path that is passed on into one with signatures. */
  constructor(prefix: string, redact: Redact, signedFrom: (target: string) => number = () => 0) {
    this.#prefix = prefix;
    this.#redact = redact;
    this.#signedFrom = signedFrom;
  }

  /** The whole path, without secrets. */
  text(target: string): string {
    return this.#prefix + this.#redact(target, this.#signedFrom(target));
  }

  /** The same as a JSON string, quotes included. */
  json(target: string): string {
    const signedFrom = this.#signedFrom(target);
    const known = this.#remembered.get(target);
    if (known?.signedFrom === signedFrom) return known.json;
    const json = JSON.stringify(this.#prefix + this.#redact(target, signedFrom));
    if (target.length <= LONGEST_REMEMBERED) {
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(target, { signedFrom, json });
    }
    return json;
  }
}
