import { type OperationContext, type PutBody, type StorageKey, type StoredMetadata, storageKey } from '@tintype/core';

export const context: OperationContext = { signal: new AbortController().signal };

export const k: (text: string) => StorageKey = storageKey;

export const meta = (encoded = 'm'): StoredMetadata => ({ encoded, contentType: 'image/png' });

export function whole(bytes: Uint8Array | string): PutBody {
  const all = Buffer.from(bytes);
  return { bytes: all, size: all.length, replayable: true, stream: () => streamOf([all]) };
}

export function streamed(stream: () => AsyncIterable<Uint8Array>): PutBody {
  return { bytes: undefined, size: undefined, replayable: false, stream };
}

export async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
