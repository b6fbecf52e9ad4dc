import { isUtf8 } from 'node:buffer';

const BASE64_URL = /^[A-Za-z0-9_-]+$/;

/**
 * The text of URL-safe base64 (RFC 4648 §5), with or without padding; `undefined` unless all of it is
 * in the alphabet and decodes to UTF-8.
 */
export function decodeBase64Url(encoded: string): string | undefined {
  let end = encoded.length;
  while (end > 0 && encoded.charCodeAt(end - 1) === 61) end -= 1;
  const digits = encoded.slice(0, end);
  if (digits === '') return encoded === '' ? '' : undefined;
  // One digit in the last group holds six bits: not a byte.
  if (digits.length % 4 === 1 || !BASE64_URL.test(digits)) return undefined;
  const bytes = Buffer.from(digits, 'base64url');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** `text` with its percent-escapes decoded once; `undefined` if one is broken or it isn't UTF-8. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Whether there is a C0 control, NUL among them, or DEL. */
export function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 32 || code === 127) return true;
  }
  return false;
}
