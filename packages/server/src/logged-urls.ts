/** URLs that are remembered: some 4 MB where they have 200 characters. */
const MAX_REMEMBERED = 10_000;
/** Longer ones are rare, and are worked out each time. */
const LONGEST_REMEMBERED = 512;

/** Request targets as the log shows them. What is asked for often is redacted and escaped once. */
export class LoggedUrls {
  readonly #prefix: string;
  readonly #redact: (target: string) => string;
  readonly #remembered = new Map<string, string>();

  /** @param redact hides secrets; must give the same for the same target. */
  constructor(prefix: string, redact: (target: string) => string) {
    this.#prefix = prefix;
    this.#redact = redact;
  }

  /** The whole path, without secrets. */
  text(target: string): string {
    return this.#prefix + this.#redact(target);
  }

  /** The same as a JSON string, quotes included. */
  json(target: string): string {
    const known = this.#remembered.get(target);
    if (known !== undefined) return known;
    const json = JSON.stringify(this.text(target));
    if (target.length <= LONGEST_REMEMBERED) {
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(target, json);
    }
    return json;
  }
}
