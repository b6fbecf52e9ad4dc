import { LRUCache } from 'lru-cache';
import { SeenLately } from './seen-lately.ts';

/** Keys after which one that was not asked for again is forgotten (at the latest after twice as many). */
const KEYS = 100_000;
/** Variants that are counted, over all sources. */
const COUNTED_VARIANTS = 200_000;

/** Why a result isn't stored. */
export type Rejection = 'first-request' | 'too-many-variants';

/**
 * Decides which results are worth a place in the storage where anybody may ask for anything: those
 * that are asked for twice, and so many variants of one source. It keeps a stranger who walks through
 * all widths from filling the storage, and from pushing out what others come back for.
 *
 * Approximate, and in memory (about 1 MiB, and up to some ten for the variants): now and then a first
 * request passes for a second one; a key that was asked for 100,000 to 200,000 other keys ago counts
 * as new; so do variants of the sources that were not stored for longest, once 200,000 are counted.
 * Everything is counted from zero after a restart, and in every process by itself: a restart costs
 * each image one request more, and lets each source have so many variants again.
 */
export class Admission {
  readonly #maxVariants: number;
  readonly #once = new SeenLately(KEYS);
  readonly #twice = new SeenLately(KEYS);
  readonly #variants: LRUCache<string, Set<string>> = new LRUCache({
    maxSize: COUNTED_VARIANTS,
    sizeCalculation: (variants) => variants.size,
  });

  /** @param maxVariants of each source; `Infinity` for no limit. */
  constructor(maxVariants: number) {
    this.#maxVariants = maxVariants;
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
    const variants = this.#variants.get(source);
    if (variants === undefined || variants.size < this.#maxVariants || variants.has(variant)) return undefined;
    return 'too-many-variants';
  }

  /** Counts a variant that is being stored. */
  admit(key: string): void {
    if (this.#maxVariants === Number.POSITIVE_INFINITY) return;
    const { source, variant } = parts(key);
    const variants = this.#variants.get(source) ?? new Set();
    variants.add(variant);
    // Set anew, so that its size is counted anew.
    this.#variants.set(source, variants);
  }
}

/** The hash of the source, and enough of the variant's to tell those of one source apart. */
function parts(key: string): { readonly source: string; readonly variant: string } {
  return { source: key.slice(0, key.lastIndexOf('/')), variant: key.slice(-12) };
}
