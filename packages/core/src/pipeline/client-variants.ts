import { LRUCache } from 'lru-cache';
import type { ImageRequest } from '../contracts/dialect.ts';
import type { HttpFields } from '../contracts/http-fields.ts';
import {
  bestFormat,
  type Dependence,
  dependenceOf,
  type Hints,
  hintsIn,
  type NegotiableFormat,
  type NegotiationRules,
  negotiated,
} from './negotiation.ts';

/** Texts of header fields whose outcome is remembered, and the longest of them. */
const REMEMBERED_TEXTS = 500;
const LONGEST_TEXT = 512;

/** Outcomes of one URL that are remembered; few come, but who wants to can make many of hints. */
const REMEMBERED_OUTCOMES = 32;

const NO_HINTS: Hints = { ratio: undefined, width: undefined, viewport: undefined };

/**
 * Reads what clients say they understand, once for each text: of a hit in memory, reading an `Accept`
 * field would be a tenth.
 */
export class Negotiator {
  readonly #rules: NegotiationRules;
  readonly #accepted = new Map<string, LRUCache<string, { readonly format: NegotiableFormat | undefined }>>();
  readonly #hinted = new LRUCache<string, Hints>({ max: REMEMBERED_TEXTS });

  constructor(rules: NegotiationRules) {
    this.#rules = rules;
  }

  /** The variants of an image, by client; `undefined` if it is the same for all. */
  variantsOf<T>(image: ImageRequest, make: (image: ImageRequest) => T): ClientVariants<T> | undefined {
    const dependence = dependenceOf(image, this.#rules);
    if (dependence.vary === '') return undefined;
    const response = { ...image.response, vary: dependence.vary };
    return new ClientVariants({ ...image, response }, dependence, this, make);
  }

  format(accept: string | undefined, formats: readonly NegotiableFormat[]): NegotiableFormat | undefined {
    if (accept === undefined || formats.length === 0) return undefined;
    if (accept.length > LONGEST_TEXT) return bestFormat(accept, formats);
    const offered = formats.length === 1 ? (formats[0] ?? '') : formats.join();
    let accepted = this.#accepted.get(offered);
    if (accepted === undefined) {
      accepted = new LRUCache({ max: REMEMBERED_TEXTS });
      this.#accepted.set(offered, accepted);
    }
    let outcome = accepted.get(accept);
    if (outcome === undefined) {
      outcome = { format: bestFormat(accept, formats) };
      accepted.set(accept, outcome);
    }
    return outcome.format;
  }

  hints(headers: HttpFields): Hints {
    const { dpr, width, 'sec-ch-dpr': chDpr, 'sec-ch-width': chWidth } = headers;
    const viewport = headers['sec-ch-viewport-width'] ?? headers['viewport-width'];
    if ((chDpr ?? dpr ?? chWidth ?? width ?? viewport) === undefined) return NO_HINTS;
    const text = `${chDpr ?? dpr} ${chWidth ?? width} ${viewport}`;
    if (text.length > LONGEST_TEXT) return hintsIn(headers);
    let hints = this.#hinted.get(text);
    if (hints === undefined) {
      hints = hintsIn(headers);
      this.#hinted.set(text, hints);
    }
    return hints;
  }
}

/** What one URL is for different clients. */
export class ClientVariants<T> {
  readonly #image: ImageRequest;
  readonly #dependence: Dependence;
  readonly #negotiator: Negotiator;
  readonly #make: (image: ImageRequest) => T;
  readonly #made = new Map<string, T>();

  constructor(image: ImageRequest, dependence: Dependence, negotiator: Negotiator, make: (image: ImageRequest) => T) {
    this.#image = image;
    this.#dependence = dependence;
    this.#negotiator = negotiator;
    this.#make = make;
  }

  /** What it is for a client with these header fields. */
  of(headers: HttpFields): T {
    const { formats, ratio, width } = this.#dependence;
    const format = this.#negotiator.format(headers.accept, formats);
    const hints = ratio || width ? this.#negotiator.hints(headers) : NO_HINTS;
    const outcome = hints === NO_HINTS ? (format ?? '') : `${format} ${hints.ratio} ${hints.width} ${hints.viewport}`;
    let made = this.#made.get(outcome);
    if (made === undefined) {
      made = this.#make(negotiated(this.#image, this.#dependence, format, hints));
      if (this.#made.size >= REMEMBERED_OUTCOMES) this.#made.clear();
      this.#made.set(outcome, made);
    }
    return made;
  }
}
