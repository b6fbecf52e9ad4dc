import { closeSync, openSync, readSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { READ } from './open-entry.ts';
import { isSystemError } from './system-code.ts';

/**
 * Linux's numbers of file systems that are not a network's (`man 2 statfs`, `linux/magic.h`): ext2 to ext4,
 * XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS, bcachefs. The disk below may be far away all the same: one that
 * hangs holds up the process, unless `READS` is `threads`.
 */
const LOCAL = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e]);

/** Longest time of a read from the page cache, in milliseconds. */
const SLOW_MS = 1;
/** A slow read is followed by this many times its own duration without any: 1 % of the time is lost at most. */
const REST = 100;

/** How long nothing is read here once a read has failed, in milliseconds. */
const TROUBLE_MS = 1_000;

/**
 * Reads small files in the calling thread, which costs a third of a trip to the thread pool, as long as
 * they come out of the page cache: on a local disk, of files that were read or written before, and while
 * no read shows that they don't. (nginx reads so by default.) Whoever gets `undefined` goes to the pool.
 */
export class DirectReads {
  readonly #now: () => number;
  readonly #blocksRead: () => number;
  #isLocal = false;
  #restUntil = 0;
  /** Blocks that this process had the disks read. */
  #blocks = 0;

  /** For tests: a clock in milliseconds, and how many blocks this process had the disks read. */
  constructor(now: () => number = () => performance.now(), blocksRead: () => number = readByDisks) {
    this.#now = now;
    this.#blocksRead = blocksRead;
  }

  /** Nothing is read before; if `root` lies on a network, never. */
  async open(root: string): Promise<void> {
    this.#blocks = this.#blocksRead();
    this.#isLocal = process.platform === 'linux' && LOCAL.has((await statfs(root)).type);
  }

  /** The whole file, if it has exactly `size` bytes. @throws the system's error if there is none. */
  read(path: string, size: number): Buffer | undefined {
    if (!this.#isLocal) return undefined;
    if (this.#restUntil > 0 && this.#now() < this.#restUntil) return undefined;
    // A byte more than there should be: another process may have put a larger file there.
    const buffer = Buffer.allocUnsafeSlow(size + 1);
    // From here on: a collection of garbage is not the disk's fault.
    const began = this.#now();
    let bytes: number;
    try {
      bytes = readInto(buffer, path);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) {
        this.#tookSince(began);
        throw error;
      }
      // The pool tells what it is, and a disk that fails may be slow to say so.
      this.#restUntil = began + TROUBLE_MS;
      return undefined;
    }
    this.#tookSince(began);
    return bytes === size ? buffer.subarray(0, size) : undefined;
  }

  #tookSince(began: number): void {
    const took = this.#now() - began;
    this.#restUntil = took > SLOW_MS && this.#readFromDisk() ? began + took * REST : 0;
  }

  /** Whether anything was read from a disk since the last slow read: else it was the processor that kept us waiting. */
  #readFromDisk(): boolean {
    const blocks = this.#blocksRead();
    const more = blocks > this.#blocks;
    this.#blocks = blocks;
    return more;
  }
}

function readByDisks(): number {
  return process.resourceUsage().fsRead;
}

/** @returns bytes of the file, or of its beginning if it is larger than the buffer. */
function readInto(buffer: Buffer, path: string): number {
  const descriptor = openSync(path, READ);
  try {
    return readSync(descriptor, buffer, 0, buffer.length, 0);
  } finally {
    closeSync(descriptor);
  }
}
