import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StorageError } from '@tintype/core';
import { isSystemError } from './errors.ts';
import { BEAT, fileAt, mayLieIn, signOf, signOwner } from './signs-of-life.ts';

/** Where storages keep what is not an entry; no key leads to these names. */
const TEMP = '@temp';
const LOCKS = '@locks';
const TURN = '@sweep';
/** Begins the name of a dead storage's folder within the folder of the one that buries it. */
const DEAD = 'dead-';
/** Begin the names of a lock that a storage is about to take away, and of one that it has taken. */
const CLAIM = 'claim-';
const TAKEN = 'lock-';
/** Longest time for which a lock is left to another one that was about to take it, in milliseconds. */
const LEAVING_MS = 200;

/** The name of a storage's folder; a damaged lock may say anything. */
const OWNER = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How often a living storage gives a sign of life, in milliseconds. */
export const BEAT_EVERY_MS = 10_000;
/** Without a sign for this long, its folder is swept. */
export const SILENCE_MS = 30_000;

/**
 * The folder of one opened storage for files that are not entries yet, in the same file system, so
 * that a rename makes them entries.
 *
 * Its `beat` file is the sign of life: written every ten seconds, judged by its time as the file
 * system wrote it, since process ids mislead across containers and clocks across machines. A folder
 * that was silent for 30 s is swept by whoever renames it into its own first, which is one.
 *
 * That rename is also the fence: a storage that was only asleep finds its temporary files gone, so
 * none of its unfinished writes can take effect later, whoever holds its locks by then.
 */
export class TempFolder {
  readonly #root: string;
  #id = '';
  /** The device that the root was on when it was opened. */
  #disk: number | undefined;
  #files = 0;
  #added = 0;
  /** How much of that the last sign of life told. */
  #told = 0;
  /** What other storages said to have added when they were last heard, also those that died since. */
  readonly #heard = new Map<string, number>();
  /** Which of them were there at the last exchange. */
  #living: ReadonlySet<string> | undefined;
  #closed = false;
  #creating: Promise<void> | undefined;
  /** The last sign of life that was begun, and the one that begins after it. */
  #beating: Promise<void> = Promise.resolve();
  #nextBeat: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #taking: Promise<void> | undefined;
  /** Until then locks are left to another one, by `performance.now()`. */
  #leavingUntil = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes the root and the folder, and sweeps what the dead left. */
  async open(): Promise<void> {
    this.#closed = false;
    await this.#makeFolders();
    this.#disk = (await stat(this.#root)).dev;
    await this.#create();
    await this.sweep();
  }

  /** From now on nothing makes it again: neither a late write nor a late sweep, which would leave a folder behind. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#creating?.catch(() => {});
    // Without a name of its own, that is the folder of all.
    if (this.#id === '') return;
    await rm(this.path, { recursive: true, force: true });
  }

  get path(): string {
    return join(this.#root, TEMP, this.#id);
  }

  get locksPath(): string {
    return join(this.#root, LOCKS);
  }

  /** The lock of whoever sweeps. */
  get turnPath(): string {
    return join(this.#root, TURN);
  }

  /** The sign of life. A lock is a hard link to it, which therefore shows its owner and its age. */
  get beatPath(): string {
    return join(this.path, BEAT);
  }

  /** A path that was never given before, by any storage. */
  newPath(): string {
    this.#files += 1;
    return join(this.path, `${this.#files}`);
  }

  /** Disk space in bytes that this storage has added so far, and the others not yet know of. */
  get untold(): number {
    return this.#added - this.#told;
  }

  /** Disk space in bytes that each storage on this root has added so far, as far as was heard. */
  additions(): ReadonlyMap<string, number> {
    return new Map(this.#heard).set(this.#id, this.#added);
  }

  /** Disk space in bytes that was added by all of them since they were at `before`. */
  addedSince(before: ReadonlyMap<string, number>): number {
    let sum = Math.max(0, this.#added - (before.get(this.#id) ?? 0));
    for (const [id, added] of this.#heard) sum += Math.max(0, added - (before.get(id) ?? 0));
    return sum;
  }

  /** Tells the others, at the next sign of life, that this much disk space was added. */
  note(bytes: number): void {
    this.#added += bytes;
  }

  /**
   * Gives a sign of life; begins anew if this folder was taken for dead. One at a time, or an older one
   * could tell less than a newer one has told already.
   */
  beat(): Promise<void> {
    this.#nextBeat ??= this.#beatAfter(this.#beating);
    return this.#nextBeat;
  }

  #beatAfter(before: Promise<void>): Promise<void> {
    const beat = before.then(() => {
      this.#nextBeat = undefined;
      return this.#beat();
    });
    this.#beating = beat.catch(() => {});
    return beat;
  }

  async #beat(): Promise<void> {
    const id = this.#id;
    try {
      const handle = await open(this.beatPath, 'r+');
      const added = this.#added;
      try {
        await handle.write(`${id} ${added}\n`, 0);
      } finally {
        await handle.close();
      }
      this.#told = added;
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw error;
      await this.#create();
    }
  }

  /** Whether the storage whose sign of life this lock is was silent for too long, by the disk's clock. */
  async isSilent(path: string): Promise<boolean> {
    try {
      const [mine, theirs] = [await lstat(this.beatPath), await lstat(path)];
      return mine.mtimeMs - theirs.mtimeMs > SILENCE_MS;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Tells the others what this storage has added, and hears what they have. */
  async exchange(): Promise<void> {
    await this.beat();
    const living = new Set<string>();
    for (const entry of await readdir(join(this.#root, TEMP), { withFileTypes: true })) {
      const id = entry.name;
      if (id === this.#id || !entry.isDirectory()) continue;
      const sign = await signOf(join(this.#root, TEMP, id));
      if (sign === undefined) continue;
      living.add(id);
      this.#heard.set(id, sign.added);
    }
    this.#living = living;
  }

  /** How many others were there at the last exchange. */
  get others(): number {
    return this.#living?.size ?? 0;
  }

  /** Forgets what the dead have added, except those that are `spared`: it was counted by now. */
  forgetTheDead(spared: ReadonlyMap<string, number> = new Map()): void {
    // Before the first exchange nobody is known to be dead.
    if (this.#living === undefined) return;
    for (const id of this.#heard.keys()) {
      if (!this.#living.has(id) && !spared.has(id)) this.#heard.delete(id);
    }
  }

  /**
   * Takes away the lock of a silent storage: with all that it left, or by itself where its storage has left no
   * folder. May leave it if somebody else is about to do the same; whoever waits for it comes back.
   */
  async sweepLock(path: string): Promise<void> {
    await this.sweep();
    if (performance.now() < this.#leavingUntil) return;
    // One at a time: two would take each other for somebody else. It takes all locks of one owner.
    this.#taking ??= this.#takeOrphan(path).finally(() => {
      this.#taking = undefined;
    });
    await this.#taking;
  }

  /**
   * Takes away the locks that are links to the file at `path`, if that is the sign of life of a storage that was
   * silent for too long and has no folder, so that nobody ever buries it. What it says does not matter: a power
   * failure may have emptied it.
   *
   * Exactly one does so: each gives the file a name in its own folder first and then looks for other names in
   * all of them, so that of two at least one sees the other, and leaves it alone.
   */
  async #takeOrphan(path: string): Promise<void> {
    const claim = join(this.path, `${CLAIM}${randomUUID()}`);
    try {
      await link(path, claim);
      const file = await fileAt(claim);
      // The lock may have been taken by a living storage since it was looked at.
      if (file === undefined || !(await this.isSilent(claim))) return;
      if (await mayLieIn(join(this.#root, TEMP), file, claim)) {
        // By chance, or all who want it would leave it to one another for ever.
        this.#leavingUntil = performance.now() + Math.random() * LEAVING_MS;
        return;
      }
      const owner = (await signOwner(claim)) ?? '';
      if (OWNER.test(owner) && (await this.#hasFolder(owner))) return;
      for (const lock of await this.#locks()) {
        if ((await fileAt(lock)) === file) await takeAway(lock, dirname(claim));
      }
    } catch (error) {
      // Released meanwhile, or this storage was taken for dead.
      if (!isSystemError(error, 'ENOENT')) throw error;
    } finally {
      await rm(claim, { force: true });
    }
  }

  /** Whether a storage still has a folder, in its place or in that of another one, or it just moves. */
  async #hasFolder(owner: string): Promise<boolean> {
    try {
      const paths = await readdir(join(this.#root, TEMP), { recursive: true });
      return paths.some((path) => [owner, DEAD + owner].includes(basename(path)));
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return true;
      throw error;
    }
  }

  /** Takes away what storages left that are silent for 30 s; hears what the living have added. */
  sweep(): Promise<void> {
    // One at a time: a second look at a lock of the dead could come after a living one has taken it.
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    await this.beat();
    // What an earlier sweep has begun to bury and could not finish, nobody else would.
    for (const name of await readdir(this.path)) {
      const isLeft = name.startsWith(TAKEN) || (name.startsWith(CLAIM) && this.#taking === undefined);
      if (isLeft) await rm(join(this.path, name), { force: true });
      if (name.startsWith(DEAD)) await this.#bury(join(this.path, name), name.slice(DEAD.length));
    }
    const now = (await lstat(this.beatPath)).mtimeMs;
    for (const entry of await readdir(join(this.#root, TEMP), { withFileTypes: true })) {
      const id = entry.name;
      if (id === this.#id || !entry.isDirectory()) continue;
      const folder = join(this.#root, TEMP, id);
      const sign = await signOf(folder);
      if (sign === undefined) continue;
      this.#heard.set(id, sign.added);
      if (now - sign.at <= SILENCE_MS) continue;
      try {
        // Exactly one of several sweepers succeeds.
        await rename(folder, join(this.path, DEAD + id));
      } catch (error) {
        if (isSystemError(error, 'ENOENT')) continue;
        throw error;
      }
      await this.#bury(join(this.path, DEAD + id), id);
    }
  }

  /** Removes the locks of a dead storage, and of all that it and they were burying; then its folder. */
  async #bury(folder: string, id: string): Promise<void> {
    const names = new Set([id]);
    // A sign of life that a power failure has emptied names nobody, but its locks are still links to it.
    const signs = new Set<string | undefined>();
    for (const path of await readdir(folder, { recursive: true })) {
      const name = basename(path);
      if (name === BEAT) signs.add(await fileAt(join(folder, path)));
      if (name.startsWith(DEAD)) names.add(name.slice(DEAD.length));
    }
    signs.delete(undefined);
    for (const path of await this.#locks()) {
      // Nobody else removes a key's lock: its owner cannot any more (see `KeyLocks`). The turn may be gone.
      const owner = await signOwner(path);
      if (owner === undefined) continue;
      if (owner === '' ? signs.has(await fileAt(path)) : names.has(owner)) await takeAway(path, folder);
    }
    await rm(folder, { recursive: true, force: true });
  }

  /** All locks of keys, and of whoever sweeps. */
  async #locks(): Promise<readonly string[]> {
    const names = await readdir(this.locksPath);
    return [...names.map((name) => join(this.locksPath, name)), this.turnPath];
  }

  #create(): Promise<void> {
    this.#creating ??= this.#createAnew().finally(() => {
      this.#creating = undefined;
    });
    return this.#creating;
  }

  async #makeFolders(): Promise<void> {
    await mkdir(join(this.#root, TEMP), { recursive: true });
    await mkdir(this.locksPath, { recursive: true });
  }

  /** Not if the disk is gone: its mount point must stay empty, or another disk is filled. */
  async #isOnItsDisk(): Promise<boolean> {
    for (const folder of [this.#root, dirname(this.#root)]) {
      try {
        return (await stat(folder)).dev === this.#disk;
      } catch (error) {
        if (!isSystemError(error, 'ENOENT')) throw error;
      }
    }
    return false;
  }

  /** @throws StorageError `closed`; the system's error. */
  async #createAnew(): Promise<void> {
    if (this.#closed) throw new StorageError({ code: 'closed', message: 'This file cache was closed.' });
    const id = randomUUID();
    const path = join(this.#root, TEMP, id);
    await mkdir(path).catch(async (error: unknown) => {
      if (!isSystemError(error, 'ENOENT') || !(await this.#isOnItsDisk())) throw error;
      // Somebody has emptied the cache, or removed it.
      await this.#makeFolders();
      await mkdir(path);
    });
    const handle = await open(join(path, BEAT), 'wx');
    try {
      await handle.write(`${id} 0\n`, 0);
    } finally {
      await handle.close();
    }
    // What was added under the old name stays with it, as the others have heard it.
    if (this.#id !== '') this.#heard.set(this.#id, this.#added);
    this.#added = 0;
    this.#told = 0;
    this.#id = id;
  }
}

/**
 * Takes a lock away by way of a folder within this storage's own: if that is gone, because this storage slept
 * for so long that others have buried it, the lock may be a living one's by now, and stays.
 */
async function takeAway(lock: string, folder: string): Promise<void> {
  const away = join(folder, `${TAKEN}${randomUUID()}`);
  try {
    await rename(lock, away);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    return;
  }
  await rm(away, { force: true });
}
