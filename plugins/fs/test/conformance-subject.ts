import { execFileSync } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Damage, Outage, StorageSubject } from '@tintype/conformance';
import { type OperationContext, prefixed, type StorageAdapter, type StorageKey, storageKey } from '@tintype/core';

/** The parts of the plugin that a subject needs. */
export interface FsModule {
  readonly FsStorage: new (options: {
    readonly root: string;
    readonly maxBytes: number;
    readonly durability: 'process' | 'power';
  }) => StorageAdapter;
  entryPath(key: StorageKey): string;
  /** Where a child process finds `FsStorage`. */
  readonly url: string;
}

/** A subject that tells where its files are. */
export interface FsSubject extends StorageSubject {
  readonly root: string;
}

/** Files below `folder`, as paths. */
export async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

/** Folders below `root` in which nothing is, but for those of the storage itself. */
async function emptyFolders(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const inUse = new Set(found.map((each) => each.parentPath));
  const folders = found.filter((each) => each.isDirectory()).map((each) => join(each.parentPath, each.name));
  return folders.filter((path) => !inUse.has(path) && !path.startsWith(join(root, '@')));
}

/** Descriptors of this process on files below `root`. */
async function openFiles(root: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(root));
}

/** What can happen to the file of an entry. `donor` gives the file of a sound entry from another cache. */
function damagesOf(
  fileOf: (key: StorageKey) => string,
  donor: (key: StorageKey) => Promise<string>,
): readonly Damage[] {
  const rewritten = async (key: StorageKey, change: (file: Buffer) => Buffer) =>
    writeFile(fileOf(key), change(await readFile(fileOf(key))));
  const changed = (name: string, at: (file: Buffer) => number, showsInStat = true): Damage => ({
    name,
    showsInStat,
    befall: (key) =>
      rewritten(key, (file) => {
        const offset = at(file);
        file.writeUInt8(file.readUInt8(offset) ^ 1, offset);
        return file;
      }),
  });
  const cut = (name: string, sizeFor: (size: number) => number): Damage => ({
    name,
    showsInStat: true,
    befall: async (key) => truncate(fileOf(key), sizeFor((await stat(fileOf(key))).size)),
  });
  const replaced = (name: string, by: (path: string, key: StorageKey) => Promise<unknown>): Damage => ({
    name,
    showsInStat: true,
    async befall(key) {
      await rm(fileOf(key));
      await by(fileOf(key), key);
    },
  });
  return [
    changed('the first byte of the file was changed', () => 0),
    changed('a byte of the metadata was changed', (file) => file.indexOf('tag=') + 4),
    changed('the length of the header was changed', () => 15),
    changed('the length of the body was changed', () => 20),
    changed('the last byte of the body was changed', (file) => file.length - 1, false),
    cut('the file was emptied', () => 0),
    cut('the file was cut within its first bytes', () => 10),
    cut('the file was cut within its header', () => 100),
    cut('the file was cut at its last byte', (size) => size - 1),
    {
      name: 'bytes were appended to the file',
      showsInStat: true,
      befall: (key) => rewritten(key, (file) => Buffer.concat([file, Buffer.alloc(9)])),
    },
    replaced('the file of another key stands in its place', async (path, key) => {
      await copyFile(await donor(storageKey(`${key}-other`)), path);
    }),
    replaced('a symbolic link stands in its place', async (path, key) => symlink(await donor(key), path)),
    replaced('a pipe stands in its place', async (path) => execFileSync('mkfifo', [path])),
    replaced('a folder with a file in it stands in its place', async (path) => {
      await mkdir(path);
      await writeFile(join(path, 'notes.txt'), 'a stranger');
    }),
  ];
}

/** What is below a folder, with its size and what it begins with. */
async function lookAround(folder: string): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for (const path of await readdir(folder, { recursive: true })) {
    const isFile = (await stat(join(folder, path))).isFile();
    seen.set(path, isFile ? (await readFile(join(folder, path))).toString('latin1') : '');
  }
  return seen;
}

/** A file cache in a new folder below `scratch`, with every hook that the suite knows. */
export async function fsSubject(module: FsModule, scratch: string, maxBytes = 0): Promise<FsSubject> {
  const { FsStorage, entryPath, url } = module;
  const folder = await mkdtemp(join(scratch, 'tintype-fs-'));
  // The folder above is not there either: both are made.
  const root = join(folder, 'of', 'cache');
  const file = join(folder, 'file');
  await writeFile(file, 'no folder');
  // With a limit it is written through to the disk as well: both ways of writing are tried.
  const options = { root, maxBytes, durability: maxBytes > 0 ? 'power' : 'process' } as const;
  const open = new Set<StorageAdapter>();
  class Counted extends FsStorage {
    override async open(context: OperationContext): Promise<void> {
      await super.open(context);
      open.add(this);
    }

    override async close(): Promise<void> {
      await super.close();
      open.delete(this);
    }
  }
  const at = (elsewhere: string) => new FsStorage({ ...options, root: elsewhere });
  const fileOf = (key: StorageKey) => join(root, entryPath(key));
  const undoing: (() => Promise<unknown>)[] = [];
  let asides = 0;
  /** Takes away what is at `path`, for as long as it lasts. @returns where it is meanwhile */
  const takenAside = async (path: string): Promise<string> => {
    asides += 1;
    const aside = join(folder, `aside-${asides}`);
    await rename(path, aside);
    undoing.push(async () => {
      for (let back = false; !back; ) {
        await rm(path, { recursive: true, force: true });
        // A storage that finds its folder gone in between makes a new one.
        back = await rename(aside, path).then(
          () => true,
          (error: NodeJS.ErrnoException) => {
            if (!['ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error;
            return false;
          },
        );
      }
    });
    return aside;
  };
  const donor = async (key: StorageKey): Promise<string> => {
    const elsewhere = join(folder, 'donor');
    const storage = at(elsewhere);
    const context = { signal: new AbortController().signal };
    await storage.open(context);
    const bytes = Buffer.from('another body');
    const body = { bytes, size: bytes.length, replayable: true, stream: () => (async function* () {})() };
    await storage.put(key, body, { encoded: 'v1;tag=other', contentType: 'image/webp' }, undefined, context);
    await storage.close();
    return join(elsewhere, entryPath(key));
  };
  const outages: readonly Outage[] = [
    {
      name: 'a file stands in place of the whole cache',
      isWhole: true,
      async befall() {
        await takenAside(root);
        await writeFile(root, 'no folder');
      },
    },
    {
      name: 'a file stands in place of its folder',
      isWhole: false,
      async befall(key) {
        await takenAside(dirname(fileOf(key)));
        await writeFile(dirname(fileOf(key)), 'no folder');
      },
    },
  ];
  return {
    root,
    adapter: new Counted(options),
    sibling: () => new Counted(options),
    prefixed: (prefix) => prefixed(new Counted(options), prefix),
    async leaks() {
      const temporary = (await filesIn(join(root, '@temp'))).filter((path) => !path.endsWith('/beat'));
      const living = await readdir(join(root, '@temp')).catch(() => []);
      return [
        ...temporary.map((path) => `the temporary file ${path}`),
        ...(living.length > open.size ? [`${living.length - open.size} folders of storages that were closed`] : []),
        ...(await filesIn(join(root, '@locks'))).map((path) => `the lock ${path}`),
        ...(await emptyFolders(root)).map((path) => `the empty folder ${path}`),
        ...(await openFiles(root)).map((path) => `a handle of ${path}`),
      ];
    },
    sabotage: {
      // Permissions don't stop root; a folder in the entry's place stops everyone.
      async unreadable(key) {
        await takenAside(fileOf(key));
        await mkdir(fileOf(key));
      },
      async flipByte(key) {
        const bytes = await readFile(fileOf(key));
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 10) ^ 1, bytes.length - 10);
        await writeFile(fileOf(key), bytes);
      },
      async truncate(key) {
        await truncate(fileOf(key), Math.floor((await stat(fileOf(key))).size / 2));
      },
      damages: damagesOf(fileOf, donor),
      outages,
      async strangers(key) {
        const beside = dirname(fileOf(key));
        const names = ['notes.txt', '.DS_Store', 'a=b@', 'link@', 'link', 'folder@', 'lost+found'];
        const [notes = '', hidden = '', odd = '', link = '', linked = '', ...folders] = names.map((name) =>
          join(beside, name),
        );
        for (const path of [notes, hidden, odd]) await writeFile(path, 'a stranger');
        await symlink(fileOf(key), link);
        await symlink(beside, linked);
        for (const path of folders) await mkdir(path);
        for (const name of names) undoing.push(() => rm(join(beside, name), { recursive: true }));
      },
      async detour(key) {
        const elsewhere = await takenAside(dirname(fileOf(key)));
        await symlink(elsewhere, dirname(fileOf(key)));
        const before = await lookAround(elsewhere);
        return async () => {
          const after = await lookAround(elsewhere);
          const paths = [...new Set([...before.keys(), ...after.keys()])];
          return paths.filter((path) => before.get(path) !== after.get(path)).map((path) => `${path} was changed`);
        };
      },
      async sweep() {
        const temp = join(root, '@temp');
        for (const name of await readdir(temp)) await rm(join(temp, name), { recursive: true });
      },
      async undo() {
        for (const undo of undoing.splice(0).reverse()) await undo();
      },
    },
    misconfigured: () => [
      { name: 'a file as root', adapter: at(file), codes: ['misconfigured'] },
      { name: 'a root below a file', adapter: at(join(file, 'below')), codes: ['misconfigured'] },
    ],
    capped: (limit) => fsSubject(module, scratch, limit),
    without: { network: 'the file system is no server', secrets: 'the file system takes no credentials' },
    crash: {
      module: `data:text/javascript,${encodeURIComponent(
        `import { FsStorage } from ${JSON.stringify(url)};
         export const createAdapter = (options) => new FsStorage(options);`,
      )}`,
      data: options,
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
