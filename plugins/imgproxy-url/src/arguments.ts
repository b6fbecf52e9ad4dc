import { RequestError } from '@tintype/core';
import { echo } from './echo.ts';

/**
 * The arguments of one option as the URL has them: what stands between the colons after its name.
 * Empty ones at the end are as good as absent.
 *
 * Every reader throws a `RequestError` that names the option, the argument and what it must be.
 */
export class Arguments {
  /** The option's name as it was written, long or short. */
  readonly option: string;
  readonly #texts: readonly string[];
  readonly #first: number;
  /** How many there are. */
  readonly count: number;

  private constructor(option: string, texts: readonly string[], first: number, end: number) {
    this.option = option;
    this.#texts = texts;
    this.#first = first;
    this.count = end > first ? end - first : 0;
  }

  /** Splits `name:argument:argument`. */
  static of(segment: string): Arguments {
    const texts = segment.split(':');
    let end = texts.length;
    while (end > 1 && texts[end - 1] === '') end -= 1;
    return new Arguments(texts[0] ?? '', texts, 1, end);
  }

  /** The arguments from `index` on, as if the option had only these. */
  from(index: number): Arguments {
    return new Arguments(this.option, this.#texts, this.#first + index, this.#first + this.count);
  }

  /** The text at `index`, empty if there is none. */
  text(index: number): string {
    return index < this.count ? (this.#texts[this.#first + index] ?? '') : '';
  }

  /** Whether there is something at `index`. */
  has(index: number): boolean {
    return this.text(index) !== '';
  }

  /** @throws RequestError if there are more than `most`. */
  atMost(most: number): void {
    if (this.count <= most) return;
    const allowed = most === 1 ? 'one argument' : `${most} arguments`;
    throw this.#error(`it takes at most ${allowed}, not ${this.count}`);
  }

  /** `1`, `t`, `true` or `0`, `f`, `false`, also with capitals as Go's `strconv.ParseBool` has them. */
  flag(index: number, what: string): boolean {
    switch (this.text(index)) {
      case '1':
      case 't':
      case 'T':
      case 'true':
      case 'TRUE':
      case 'True':
        return true;
      case '0':
      case 'f':
      case 'F':
      case 'false':
      case 'FALSE':
      case 'False':
        return false;
      default:
        throw this.wrong(index, what, '1, t, true, 0, f or false');
    }
  }

  /** A whole number from `min` to `max`. */
  integer(index: number, what: string, min: number, max: number): number {
    const text = this.text(index);
    const value = isDecimal(text) && !text.includes('.') ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return withoutSign(value);
    throw this.wrong(index, what, `a whole number from ${min} to ${max}`);
  }

  /** A decimal number from `min` to `max`, without exponent. */
  decimal(index: number, what: string, min: number, max: number): number {
    const value = this.#decimal(index);
    if (value >= min && value <= max) return withoutSign(value);
    throw this.wrong(index, what, `a number from ${min} to ${max}`);
  }

  /** A decimal number above 0 and up to `max`. */
  positive(index: number, what: string, max: number): number {
    const value = this.#decimal(index);
    if (value > 0 && value <= max) return value;
    throw this.wrong(index, what, `a number above 0 and up to ${max}`);
  }

  /** The error for an argument that isn't what it must be. */
  wrong(index: number, what: string, expected: string): RequestError {
    const found = this.has(index) ? `not ${echo(this.text(index))}` : 'and it is missing';
    return this.#error(`${what} must be ${expected}, ${found}`);
  }

  #decimal(index: number): number {
    const text = this.text(index);
    return isDecimal(text) ? Number(text) : Number.NaN;
  }

  #error(clause: string): RequestError {
    return new RequestError(400, 'invalid-argument', `Option ${echo(this.option)}: ${clause}.`);
  }
}

/** Longest number that is looked at: more digits than any value in range needs. */
const LONGEST_NUMBER = 24;

/** Digits with at most one point among them, perhaps a minus in front: no exponent, no `Infinity`. */
function isDecimal(text: string): boolean {
  if (text.length > LONGEST_NUMBER) return false;
  let digits = 0;
  let points = 0;
  for (let i = text.charCodeAt(0) === 45 ? 1 : 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) digits += 1;
    else if (code === 46) points += 1;
    else return false;
  }
  return digits > 0 && points <= 1;
}

/** `-0` would make two equal requests differ. */
function withoutSign(value: number): number {
  return value === 0 ? 0 : value;
}
