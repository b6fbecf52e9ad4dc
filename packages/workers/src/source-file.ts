import { type FileHandle, open } from 'node:fs/promises';
import { type BodyFile, unlessAborted } from '@tintype/core';

/** What became of a source: all of it, in memory of its own; or its file cannot be read here, or has fewer bytes. */
type Source = Uint8Array | 'unreadable' | 'short';

/**
 * Reads a source.
 *
 * @throws the signal's reason at once, also while a disk hangs: this process would be killed for it, and
 *   others work in it.
 */
export function readSourceFile(file: BodyFile, signal: AbortSignal): Promise<Source> {
  return unlessAborted(read(file), signal);
}

async function read({ path, size }: BodyFile): Promise<Source> {
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
