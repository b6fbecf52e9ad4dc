/**
 * Whether an `If-None-Match` field names `etag`, by weak comparison. RFC 9110 §13.1.2 and §8.8.3.2.
 */
export function noneMatch(field: string | undefined, etag: string): boolean {
  if (field === undefined || etag === '') return false;
  if (field === etag) return true;
  if (field.trim() === '*') return true;
  const bare = etag.startsWith('W/') ? etag.slice(2) : etag;
  for (const [, tag] of field.matchAll(/(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)) {
    if (tag === bare) return true;
  }
  return false;
}
