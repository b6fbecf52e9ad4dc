import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collect, type Entry, type GetOutcome, type PutCondition, type Version } from '@tintype/core';
import { onTestFinished, vi } from 'vitest';
import type { FsOptions } from '../src/options.ts';
import { FsStorage } from '../src/storage.ts';
import { context, k, meta, whole } from './harness-data.ts';

export * from './harness-data.ts';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-fs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Storages opened after this do nothing by themselves every ten seconds, however long the test takes. */
export function withoutUpkeep(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  // Storages are closed before: what is registered last is run first.
  onTestFinished(() => void vi.useRealTimers());
}

/** An opened storage in a new folder, or the given one; closed with the test. */
export async function openStorage(options: Partial<FsOptions> = {}): Promise<FsStorage & { readonly root: string }> {
  const root = options.root ?? (await temporaryFolder());
  const storage = new FsStorage({ maxBytes: 0, durability: 'process', ...options, root });
  await storage.open();
  onTestFinished(() => storage.close());
  return Object.assign(storage, { root });
}

export function put(
  storage: FsStorage,
  key: string,
  body: Uint8Array | string,
  encoded = 'm',
  condition?: PutCondition,
): Promise<Version> {
  return storage.put(k(key), whole(body), meta(encoded), condition, context);
}

export function hit(outcome: GetOutcome): Entry {
  if (outcome?.kind !== 'entry') throw new Error(`a hit was expected, not ${outcome?.kind}`);
  return outcome;
}

/** The body as text; `undefined` for a miss. */
export async function read(storage: FsStorage, key: string): Promise<string | undefined> {
  const outcome = await storage.get(k(key), undefined);
  return outcome === undefined ? undefined : Buffer.from(await collect(hit(outcome).body.stream())).toString();
}

export async function keysOf(storage: FsStorage, prefix = '', after?: string): Promise<string[]> {
  const rows = await Array.fromAsync(storage.list(prefix, after === undefined ? undefined : k(after), context));
  return rows.map((row) => row.key);
}

/** Names in the temporary folders of all storages on `root`, signs of life left out. */
export async function debris(root: string): Promise<string[]> {
  const names = await readdir(join(root, '@temp'), { recursive: true, withFileTypes: true });
  return names.filter((name) => !name.isDirectory() && name.name !== 'beat').map((name) => name.name);
}

/** Files below `root` that this process has open, signs of life left out. */
export async function openFilesIn(root: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(`${root}/`) && !target.endsWith('/beat'));
}

/** A `StorageError` with this code. */
export const failing = (code: string) => ({ name: 'StorageError', code });

/** Starts `writer.ts` in a process of its own; killed with the test if it still lives. */
export function startWriter(...args: readonly (string | number)[]): Writer {
  const script = join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, ['--conditions=@tintype/source', script, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return {
    exited,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    hears: async (word) => {
      while (!said.includes(word)) await Promise.race([once(child.stdout, 'data'), exited.then(() => failed(word))]);
    },
  };
}

function failed(word: string): never {
  throw new Error(`the process ended before it said "${word}"`);
}

export interface Writer {
  readonly exited: Promise<number | null>;
  kill(): Promise<void>;
  /** Resolves once the process has said `word`. */
  hears(word: string): Promise<void>;
}
