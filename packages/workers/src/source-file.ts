import { type FileHandle, open } from 'node:fs/promises';
import type { BodyFile } from '@tintype/core';

/** All of a source, in memory of its own; or that its file cannot be read here, or has fewer bytes. */
export async function readSourceFile({ path, size }: BodyFile): Promise<Uint8Array | 'unreadable' | 'short'> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const source = Buffer.allocUnsafeSlow(size);
    for (let filled = 0; filled < size; ) {
      const { bytesRead } = await handle.read(source, filled, size - filled, filled);
      if (bytesRead === 0) return 'short';
      filled += bytesRead;
    }
    return source;
  } catch {
    // Whoever asked reads it himself, and tells what is wrong with it.
    return 'unreadable';
  } finally {
    await handle?.close();
  }
}
