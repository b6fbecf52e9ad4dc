import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Adapter } from './worker.ts';

/**
 * Files of the adapters' folders in which they do not keep the contract of storages, and what
 * does instead; all others are mutated.
 */
const LEFT_OUT: readonly RegExp[] = [
  // The plugin's frame, and the origin that lives beside the storage.
  /^(index|options|origin|bucket-folder|file-conditions|image-type)\.ts$/,
  // Upkeep that takes minutes or a full disk: signs of life, sweeping, eviction, uses.
  /^(temp-folder|upkeep|eviction|recency|sweep|sweep-turn|sweep-thread|sweeper|counted-space|system-code)\.ts$/,
  // What the system's errors mean: the suite cannot make a disk fail.
  /^errors\.ts$/,
  /\.(test|fixture)\.ts$/,
];

/** The files of an adapter that are mutated: absolute path and text, by name. */
export async function mutatedSources(
  adapter: Adapter,
): Promise<ReadonlyMap<string, { readonly path: string; readonly text: string }>> {
  const folder = fileURLToPath(new URL(`../../../../plugins/${adapter}/src/`, import.meta.url));
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith('.ts') && !LEFT_OUT.some((pattern) => pattern.test(name)),
  );
  const read = async (name: string) => {
    const path = join(folder, name);
    return [name, { path, text: await readFile(path, 'utf8') }] as const;
  };
  return new Map(await Promise.all(names.sort().map(read)));
}
