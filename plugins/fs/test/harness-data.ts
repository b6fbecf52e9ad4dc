import {
  type OperationContext,
  type PutBody,
  StorageError,
  type StorageKey,
  type StoredMetadata,
  storageKey,
  type Version,
} from '@tintype/core';
import type { FsStorage } from '../src/storage.ts';

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

/** Puts once there is room below the cap: on a slow disk a put is refused before a sweep has made any. */
export async function putPatiently(storage: FsStorage, key: string, body: Uint8Array | string): Promise<Version> {
  for (;;) {
    try {
      return await storage.put(k(key), whole(body), meta(), undefined, context);
    } catch (error) {
      if (!StorageError.is(error) || error.code !== 'no-space') throw error;
    }
  }
}
