import { randomUUID } from 'node:crypto';

/** Keys whose copies are in doubt that are remembered one by one. */
const MAX_DOUBTED = 10_000;

/**
 * Which copies of a near tier may be served. A copy is in doubt from the moment its key is written,
 * until the copy was deleted or overwritten: a near tier that cannot be written to must not keep the far
 * one from taking the write, and then holds a copy that is older.
 *
 * Its memory is bounded: of more than 10,000 keys in doubt it forgets which they are, and doubts every
 * copy that was made so far, by their generation.
 */
export class CopyTrust {
  readonly #doubted = new Set<string>();
  /** Keys of copies that a near tier may still be writing, though nobody waits for it any more. */
  readonly #haunted = new Map<string, number>();
  #generation: string | undefined;

  /** What copies are marked with that are made from now on. */
  get generation(): string {
    return this.#generation ?? '';
  }

  /** @param generation what the copy at hand is marked with. */
  trusts(key: string, generation: string): boolean {
    if (this.#generation !== undefined && generation !== this.#generation) return false;
    return !this.isDoubted(key);
  }

  isDoubted(key: string): boolean {
    return this.#doubted.has(key);
  }

  doubt(key: string): void {
    if (this.#doubted.size >= MAX_DOUBTED && !this.#doubted.has(key)) {
      this.#generation = randomUUID();
      this.#doubted.clear();
    }
    this.#doubted.add(key);
  }

  /** The copy was deleted, or overwritten by one that is right. */
  settle(key: string): void {
    if (!this.#haunted.has(key)) this.#doubted.delete(key);
  }

  /** Whether a copy may turn up that was written long ago; a new one would not be safe from it. */
  isHaunted(key: string): boolean {
    return this.#haunted.has(key);
  }

  /** How many keys such copies may turn up for. */
  get haunted(): number {
    return this.#haunted.size;
  }

  /** `writing` was given up and goes on all the same: whenever it ends, its copy is in doubt. */
  haunt(key: string, writing: Promise<unknown>): void {
    this.doubt(key);
    this.#haunted.set(key, (this.#haunted.get(key) ?? 0) + 1);
    const end = () => {
      const left = (this.#haunted.get(key) ?? 1) - 1;
      if (left > 0) this.#haunted.set(key, left);
      else this.#haunted.delete(key);
      this.doubt(key);
    };
    writing.then(end, end);
  }
}
