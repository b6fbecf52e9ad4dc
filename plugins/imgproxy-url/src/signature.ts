import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { type KeyRing, SettingsError, type Signature } from '@tintype/core';
import { repairPayload } from './path.ts';

interface PreparedRing {
  readonly pairs: readonly { readonly key: KeyObject; readonly salt: Uint8Array }[];
  readonly size: number;
  /** Digests, so that comparing takes the same time whatever the length. */
  readonly trusted: readonly Buffer[];
}

const prepared = new WeakMap<KeyRing, PreparedRing>();

function prepare(keys: KeyRing): PreparedRing {
  const known = prepared.get(keys);
  if (known !== undefined) return known;
  const ring: PreparedRing = {
    pairs: keys.pairs.map(({ key, salt }) => ({ key: createSecretKey(key), salt })),
    size: keys.size,
    trusted: keys.trusted.map(digest),
  };
  prepared.set(keys, ring);
  return ring;
}

/**
 * Whether the signature is one of `payload`, by any pair, or a trusted text. A payload that a server
 * on the way has changed counts as what it was, as in imgproxy.
 */
export function verifySignature({ text, payload }: Signature, keys: KeyRing): boolean {
  const ring = prepare(keys);
  if (ring.trusted.length > 0 && isTrusted(text, ring.trusted)) return true;
  const mac = decodeMac(text, ring.size);
  if (mac === undefined) return false;
  if (matches(mac, payload, ring)) return true;
  const repaired = repairPayload(payload);
  return repaired !== payload && matches(mac, repaired, ring);
}

/**
 * The signature of `payload` by the first pair.
 *
 * @throws SettingsError if there is none.
 */
export function signPayload(payload: string, keys: KeyRing): string {
  const ring = prepare(keys);
  const [pair] = ring.pairs;
  if (pair === undefined) {
    throw new SettingsError([
      { variable: 'TINTYPE_KEY', message: 'TINTYPE_KEY and TINTYPE_SALT are required to sign a URL.' },
    ]);
  }
  return macOf(payload, pair.key, pair.salt).toString('base64url', 0, ring.size);
}

function matches(mac: Buffer, payload: string, ring: PreparedRing): boolean {
  for (const { key, salt } of ring.pairs) {
    if (timingSafeEqual(macOf(payload, key, salt).subarray(0, ring.size), mac)) return true;
  }
  return false;
}

/** HMAC-SHA256 of salt and payload. */
function macOf(payload: string, key: KeyObject, salt: Uint8Array): Buffer {
  return createHmac('sha256', key).update(salt).update(payload).digest();
}

/** The bytes of a signature of `size` bytes, with or without padding; `undefined` if it isn't one. */
function decodeMac(text: string, size: number): Buffer | undefined {
  const digits = Math.ceil((size * 4) / 3);
  let end = text.length;
  while (end > digits && text.charCodeAt(end - 1) === 61) end -= 1;
  if (end !== digits) return undefined;
  // Node skips what isn't base64; then bytes are missing.
  const mac = Buffer.from(text, 'base64url');
  return mac.length === size ? mac : undefined;
}

function isTrusted(text: string, trusted: readonly Buffer[]): boolean {
  const candidate = digest(text);
  let found = false;
  for (const known of trusted) found = timingSafeEqual(known, candidate) || found;
  return found;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
