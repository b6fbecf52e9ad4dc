import { coreSection } from '../config/core-options.ts';
import { type SettingsInput, SettingsReader } from '../config/settings-reader.ts';
import type { StorageAdapter } from '../contracts/storage-adapter.ts';
import { chooseStorage } from './choose-storage.ts';
import type { Plugin } from './define-plugin.ts';
import { indexById } from './descriptors.ts';
import { loadPlugins } from './load-plugins.ts';
import { tokens } from './tokens.ts';

/**
 * Makes storages alone, without a proxy around them, of the settings that a proxy would read: for
 * tools that test or tend a cache.
 *
 * @returns a function that makes a fresh, unopened adapter of the storage `id` (`fs`, or `memory,fs`
 *   for tiers) at each call, on the same data; it throws SettingsError for wrong settings.
 */
export async function storageMaker(definition: {
  readonly plugins: readonly Plugin[];
  readonly input: SettingsInput;
  /** The flag that storages are chosen with, for messages: `--use`. */
  readonly flag?: string;
}): Promise<(id: string) => StorageAdapter> {
  const container = await loadPlugins(definition.plugins);
  const descriptors = indexById(container, tokens.storageDescriptors, 'the storage');
  const flags = definition.input.flags ?? {};
  return (id) => {
    const named = id.includes(',') ? { CACHE_TIERS: id, CACHE_USE: '' } : { CACHE_USE: id, CACHE_TIERS: '' };
    const reader = new SettingsReader({ ...definition.input, flags: { ...flags, ...named } });
    // Flags of other parts of a proxy are theirs to check; here only the storage's matter.
    const settings = reader.read(coreSection);
    const chosen = chooseStorage(settings, descriptors, reader, 'CACHE', definition.flag);
    reader.throwProblems();
    if (chosen === undefined) throw new Error(`There is no storage "${id}".`);
    return chosen.build((adapter) => adapter);
  };
}
