import type { ByteRange } from '../contracts/storage-adapter.ts';

/**
 * Where `range` lies in a body of `size` bytes, both ends inclusive; `undefined` if no byte of the
 * body is in it. RFC 9110 §14.1.2.
 */
export function resolveRange(
  range: ByteRange,
  size: number,
): { readonly first: number; readonly last: number } | undefined {
  const first = 'suffix' in range ? Math.max(0, size - range.suffix) : range.first;
  const last = 'suffix' in range ? size - 1 : Math.min(range.last ?? size - 1, size - 1);
  return first <= last ? { first, last } : undefined;
}
