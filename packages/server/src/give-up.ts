import type { ByteStream } from '@tintype/core';

/**
 * Releases what feeds a stream that nobody will read. An iteration that has not begun holds nothing
 * it could release (an unstarted generator's `return()` skips its `finally`), so one step is taken.
 */
export async function giveUp(body: Uint8Array | ByteStream | undefined): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) return;
  try {
    for await (const _ of body) break;
  } catch {
    // It was to be thrown away; that it also was broken interests nobody.
  }
}
