import { type Dialect, type ImageRequest, type KeyRing, RequestError } from '../contracts/dialect.ts';

/** What every request must pass before any lookup: a hit is as protected as a miss. */
export interface GuardRules {
  readonly dialect: Dialect;
  /** `undefined`: no key is set, every signature segment is accepted. */
  readonly keys: KeyRing | undefined;
  readonly isAllowed: (source: string) => boolean;
}

/**
 * Checks what does not change with time, the signature before a word of the URL is read, then the
 * source.
 *
 * @throws RequestError 403, or what the dialect finds wrong with a URL that is rightly signed.
 */
export function guardedParse(target: string, rules: GuardRules): ImageRequest {
  const { dialect, keys, isAllowed } = rules;
  if (keys !== undefined && !dialect.verify(dialect.signatureOf({ target }), keys)) {
    throw new RequestError(403, 'bad-signature', 'The signature of this URL is not valid.');
  }
  const image = dialect.parse({ target });
  if (!isAllowed(image.source)) {
    throw new RequestError(403, 'source-not-allowed', 'Images from this source are not allowed here.');
  }
  return image;
}

/** @throws RequestError 404 once the URL has expired. */
export function checkExpiry(request: ImageRequest, now: number): void {
  const { expiresAt } = request.response;
  if (expiresAt !== undefined && now >= expiresAt) {
    throw new RequestError(404, 'expired', 'This URL has expired.');
  }
}
