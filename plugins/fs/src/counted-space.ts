import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TempFolder } from './temp-folder.ts';

/** Where the last sweep tells all storages on the folder what it counted; no key leads to this name. */
const COUNTED = '@counted';

interface Count {
  readonly bytes: number;
  /** What each storage had added, by its name, when that sweep began. */
  readonly before: ReadonlyMap<string, number>;
}

/**
 * How much disk space the entries take, about: what the last sweep counted, whichever process did it,
 * and on top what all of them say to have added since. (Overwritten and deleted bytes are not taken
 * off: that errs towards sweeping early, and the sweep corrects it.)
 */
export class CountedSpace {
  readonly #path: string;
  readonly #temp: TempFolder;
  #count: Count | undefined;
  /** The published count that was last seen, by inode and time. */
  #seen = '';

  constructor(root: string, temp: TempFolder) {
    this.#path = join(root, COUNTED);
    this.#temp = temp;
  }

  /** Whether entries were ever counted. */
  get known(): boolean {
    return this.#count !== undefined;
  }

  /** Bytes; 0 before they were counted. */
  get estimate(): number {
    return this.#count === undefined ? 0 : this.#count.bytes + this.#temp.addedSince(this.#count.before);
  }

  /** Notes a count for this storage alone. */
  note(bytes: number, before: ReadonlyMap<string, number>): void {
    this.#count = { bytes, before };
    this.#temp.forgetTheDead();
  }

  /** Notes a count and tells the others. */
  async publish(bytes: number, before: ReadonlyMap<string, number>): Promise<void> {
    this.note(bytes, before);
    const draft = this.#temp.newPath();
    try {
      await writeFile(draft, JSON.stringify({ bytes, before: [...before] }));
      this.#seen = await signatureOf(draft);
      await rename(draft, this.#path);
    } catch {
      // A full disk: then the others count for themselves.
      await rm(draft, { force: true }).catch(() => {});
    }
  }

  /** Takes over what another storage has counted since the last look. @returns whether one has. */
  async look(): Promise<boolean> {
    try {
      const signature = await signatureOf(this.#path);
      const count = signature === this.#seen ? undefined : parse(await readFile(this.#path, 'utf8'));
      if (count === undefined) return false;
      this.#count = count;
      this.#seen = signature;
      // Who is not in it and is dead was counted by an earlier sweep of that storage, as it forgot.
      this.#temp.forgetTheDead(count.before);
      return true;
    } catch {
      // What can't be read is no count: the next sweep makes one.
      return false;
    }
  }
}

async function signatureOf(path: string): Promise<string> {
  const { ino, mtimeMs } = await lstat(path);
  return `${ino} ${mtimeMs}`;
}

/** `undefined` for what no storage has written. */
function parse(text: string): Count | undefined {
  try {
    const { bytes, before } = JSON.parse(text);
    return typeof bytes === 'number' ? { bytes, before: new Map<string, number>(before) } : undefined;
  } catch {
    return undefined;
  }
}
