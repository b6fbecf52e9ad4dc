import { createHash, timingSafeEqual } from 'node:crypto';
import type { ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import { problemResponse } from './respond.ts';
import { withoutCredentials } from './without-credentials.ts';

const REFUSED = {
  status: 403,
  code: 'bad-secret',
  message: 'This proxy answers only requests with its secret: Authorization: Bearer …',
};

/**
 * What stands between strangers and a proxy that only a CDN or an application may ask: a word that
 * every request must carry, as `Authorization: Bearer <secret>` (RFC 6750 §2.1).
 */
export class Secret {
  readonly #digest: Buffer;

  constructor(secret: string) {
    this.#digest = digest(`bearer ${secret}`);
  }

  /** The request without the secret, which is nobody else's business; or the refusal. */
  check(request: ProxyRequest): { readonly request: ProxyRequest } | { readonly refusal: ProxyResponse } {
    const field = request.headers.authorization ?? '';
    // The scheme's case does not matter (RFC 9110 §11.1), the secret's does.
    const given = field.replace(/^bearer +/i, 'bearer ');
    if (timingSafeEqual(digest(given), this.#digest)) return { request: withoutCredentials(request) };
    return { refusal: problemResponse(request, REFUSED, { kind: 'refused' }) };
  }
}

/** Of one length, so that the time of a comparison tells nothing. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
