import type { ByteStream } from '@tintype/core';

/** Releases what feeds a stream that nobody will read. */
export async function giveUp(body: Uint8Array | ByteStream | undefined): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) return;
  try {
    await body[Symbol.asyncIterator]().return?.();
  } catch {
    // It was to be thrown away; that it also was broken interests nobody.
  }
}
