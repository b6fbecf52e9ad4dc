import { LRUCache } from 'lru-cache';
import { SeenLately } from './seen-lately.ts';

/** Keys after which one that was not asked for again is forgotten (at the latest after twice as many). */
const KEYS = 100_000;
/** Variants that are counted, over all sources. */
const COUNTED_VARIANTS = 200_000;

/** How long a variant counts after it was stored, in milliseconds. */
const COUNTED_MS = 60 * 60 * 1_000;

/** Why a result isn't stored. */
export type Rejection = 'first-request' | 'too-many-variants';

/**
 * Decides which results are worth a place in the storage where anybody may ask for anything: those
 * that are asked for twice, and so many variants of one source within an hour. It keeps a stranger who
 * walks through all widths from filling the storage, and from pushing out what others come back for.
 * Such a stranger takes all places of a source, but none for longer than an hour; who then asks first
 * gets it, and so what is asked for often is stored before long, and is a hit from then on.
 *
 * Approximate, and in memory (about 1 MiB, and up to some twenty for the variants): now and then a first
 * request passes for a second one; a key that was asked for 100,000 to 200,000 other keys ago counts
 * as new; so do variants of the sources that were not stored for longest, once 200,000 are counted.
 * Everything is counted from zero after a restart, and in every process by itself: a restart costs
 * each image one request more, and lets each source have so many variants again.
 */
export class Admission {
  readonly #maxVariants: number;
  readonly #once = new SeenLately(KEYS);
  readonly #twice = new SeenLately(KEYS);
  readonly #clock: () => number;
  /** By source; variants in the order in which they were stored last, with the time of it. */
  readonly #variants: LRUCache<string, Map<string, number>> = new LRUCache({
    maxSize: COUNTED_VARIANTS,
    sizeCalculation: (variants) => variants.size,
  });

  /**
   * @param maxVariants of each source; `Infinity` for no limit.
   * @param clock milliseconds that never go back.
   */
  constructor(maxVariants: number, clock: () => number = () => performance.now()) {
    this.#maxVariants = maxVariants;
    this.#clock = clock;
  }

  /**
   * Notes a request that the storage could not answer.
   *
   * @param known whether there is an entry that is only too old: it was admitted once before.
   */
  asked(key: string, known: boolean): void {
    if (this.#once.add(key) || known) this.#twice.add(key);
  }

  /** Why a result would not be stored; `undefined` if it would. Changes nothing. */
  objection(key: string): Rejection | undefined {
    if (!this.#twice.has(key)) return 'first-request';
    if (this.#maxVariants === Number.POSITIVE_INFINITY) return undefined;
    const { source, variant } = parts(key);
    const variants = this.#variants.peek(source);
    if (variants === undefined || variants.size < this.#maxVariants || variants.has(variant)) return undefined;
    const [oldest = 0] = variants.values();
    return this.#clock() - oldest < COUNTED_MS ? 'too-many-variants' : undefined;
  }

  /** Counts a variant that is being stored. */
  admit(key: string): void {
    if (this.#maxVariants === Number.POSITIVE_INFINITY) return;
    const { source, variant } = parts(key);
    const now = this.#clock();
    const variants = this.#variants.get(source) ?? new Map<string, number>();
    for (const [old, storedAt] of variants) {
      if (now - storedAt < COUNTED_MS) break;
      variants.delete(old);
    }
    // Deleted first, so that it comes last.
    variants.delete(variant);
    variants.set(variant, now);
    // Set anew, so that its size is counted anew.
    this.#variants.set(source, variants);
  }
}

/** The hash of the source, and enough of the variant's to tell those of one source apart. */
function parts(key: string): { readonly source: string; readonly variant: string } {
  return { source: key.slice(0, key.lastIndexOf('/')), variant: key.slice(-12) };
}
