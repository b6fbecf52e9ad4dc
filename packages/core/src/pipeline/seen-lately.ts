import { createHash } from 'node:crypto';

/** Bits set for one key. */
const HASHES = 4;
/** Bits kept for one key: with four set, about 1 in 100 keys of a full filter is mistaken for known. */
const BITS_PER_KEY = 10;

/**
 * A set of texts that forgets: whatever was added less than `capacity` other texts ago is in it, what
 * was added more than twice as many ago is not. Two Bloom filters, the older one thrown away when the
 * younger is full; so it takes little memory whatever is asked, and now and then (at most 1 in 50)
 * says yes for what it has never seen.
 */
export class SeenLately {
  readonly #capacity: number;
  readonly #bits: number;
  #younger: Uint32Array<ArrayBuffer>;
  #older: Uint32Array<ArrayBuffer>;
  #added = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#bits = 2 ** Math.ceil(Math.log2(Math.max(32, capacity * BITS_PER_KEY)));
    this.#younger = new Uint32Array(this.#bits / 32);
    this.#older = new Uint32Array(this.#bits / 32);
  }

  has(text: string): boolean {
    const positions = this.#positions(text);
    return holds(this.#younger, positions) || holds(this.#older, positions);
  }

  /** Adds a text; tells whether it was in before. */
  add(text: string): boolean {
    const positions = this.#positions(text);
    if (holds(this.#younger, positions)) return true;
    const known = holds(this.#older, positions);
    if (this.#added === this.#capacity) {
      this.#older = this.#younger;
      this.#younger = new Uint32Array(this.#bits / 32);
      this.#added = 0;
    }
    for (const position of positions)
      this.#younger[position >>> 5] = (this.#younger[position >>> 5] ?? 0) | bit(position);
    this.#added++;
    return known;
  }

  /** From a hash that nobody can aim at a chosen text's bits without the work of breaking SHA-256. */
  #positions(text: string): number[] {
    const digest = createHash('sha256').update(text).digest();
    return Array.from({ length: HASHES }, (_, index) => digest.readUInt32LE(4 * index) % this.#bits);
  }
}

function holds(filter: Uint32Array, positions: readonly number[]): boolean {
  return positions.every((position) => ((filter[position >>> 5] ?? 0) & bit(position)) !== 0);
}

function bit(position: number): number {
  return 1 << (position & 31);
}
