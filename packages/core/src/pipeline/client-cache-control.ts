import type { ImageRequest } from '../contracts/dialect.ts';
import type { EntryMetadata } from '../contracts/entry-metadata.ts';

/**
 * `Cache-Control` for clients: how long they may keep it, which is as long as we do, counted from `Age`,
 * or what the entry says itself; never past the URL's expiry. RFC 9111 §5.2.2.
 */
export function clientCacheControl(image: ImageRequest, metadata: EntryMetadata, now: number): string {
  const { expiresAt } = image.response;
  const bornAt = metadata.bornAt ?? metadata.storedAt;
  const age = Math.max(0, seconds(now - bornAt));
  const longest = expiresAt === undefined ? undefined : age + Math.max(0, seconds(expiresAt - now));
  if (metadata.cacheControl !== undefined) {
    return longest === undefined ? metadata.cacheControl : shortened(metadata.cacheControl, longest);
  }
  const lifetime = Math.max(0, seconds(metadata.freshUntil - bornAt));
  return longest === undefined ? lasting(lifetime) : lasting(Math.min(lifetime, longest));
}

function lasting(lifetime: number): string {
  return lifetime === 0 ? 'no-cache' : `public, max-age=${lifetime}`;
}

/** The same directives with no lifetime above `longest` seconds, and nothing that permits use after it. */
function shortened(field: string, longest: number): string {
  // Within quotes a comma is text: `no-cache="set-cookie, age"`.
  const directives = (field.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []).map((directive) => directive.trim());
  const kept = directives
    .filter((directive) => directive !== '' && !/^(?:immutable|stale-(?:while-revalidate|if-error))\b/i.test(directive))
    .map((directive) => {
      const [, name, value] = /^(max-age|s-maxage)\s*=\s*"?([^"]*)"?$/i.exec(directive) ?? [];
      // What is no number of seconds is none to its receiver (RFC 9111 §4.2.1).
      if (name === undefined) return directive;
      return `${name.toLowerCase()}=${Math.min(/^\d+$/.test(value ?? '') ? Number(value) : 0, longest)}`;
    });
  if (!kept.some((directive) => directive.startsWith('max-age='))) kept.push(`max-age=${longest}`);
  return kept.join(', ');
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
