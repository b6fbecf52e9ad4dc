import type { CoreSettings } from '../config/core-options.ts';
import { type StorageRole, storageSection } from '../config/sections.ts';
import type { SettingsReader } from '../config/settings-reader.ts';
import type { StorageDescriptor } from '../contracts/plugin.ts';
import { SettingsError } from '../contracts/settings-error.ts';
import type { StorageAdapter } from '../contracts/storage-adapter.ts';
import { prefixed, whyNotAPrefix } from '../storage/prefixed.ts';
import { tiered } from '../storage/tiered.ts';
import type { Index } from './descriptors.ts';

/** What stands around one tier. `remote`: it is reached over a network. */
export type WrapTier = (
  adapter: StorageAdapter,
  tier: { readonly id: string; readonly remote: boolean },
) => StorageAdapter;

/** The storage that the settings ask for, not yet built. */
export interface ChosenStorage {
  /** `fs`, or `memory,fs` for tiers. */
  readonly name: string;
  /** Whether any tier is reached over a network. */
  readonly remote: boolean;
  /**
   * Constructs it, without I/O; `wrap` may put something around each of the tiers. `onOpenError` is told
   * why one of several cannot be opened, while the others are used without it. `distrustedUntil`: see
   * `TieredOptions`.
   */
  build(wrap: WrapTier, onOpenError?: (error: unknown) => void, distrustedUntil?: () => number): StorageAdapter;
}

/** The ids that the settings name, nearest first, and the variable or flag that named them. */
function chosenIds(
  settings: CoreSettings,
  reader: SettingsReader,
  role: StorageRole,
  flag: string | undefined,
): { ids: readonly string[]; variable: string } {
  if (role === 'SOURCES') {
    const { sourcesUse } = settings;
    return { ids: sourcesUse === '' ? [] : [sourcesUse], variable: 'TINTYPE_SOURCES_USE' };
  }
  const { cacheTiers: tiers, cacheUse: use } = settings;
  if (tiers.length === 0) return { ids: use === '' ? [] : [use], variable: flag ?? 'TINTYPE_CACHE_USE' };
  const variable = flag ?? 'TINTYPE_CACHE_TIERS';
  if (use !== '' && use !== tiers.at(-1)) {
    reader.problem(
      'TINTYPE_CACHE_TIERS',
      `TINTYPE_CACHE_TIERS is "${tiers.join(',')}" and TINTYPE_CACHE_USE is "${use}"; expected only one of them, or tiers that end with ${use}.`,
    );
  }
  if (new Set(tiers).size < tiers.length) {
    reader.problem(variable, `${variable} is "${tiers.join(',')}"; expected each storage once.`);
  }
  return { ids: tiers, variable };
}

/**
 * Reads the settings of the storages that are in use and knows those of the others. Problems go to
 * the reader: build only after its `finish`.
 *
 * @param flag the flag of a tool that chose the storage, for messages: `--use`; otherwise a variable did.
 */
export function chooseStorage(
  settings: CoreSettings,
  descriptors: Index<StorageDescriptor>,
  reader: SettingsReader,
  role: StorageRole = 'CACHE',
  flag?: string,
): ChosenStorage | undefined {
  const { ids, variable } = chosenIds(settings, reader, role, flag);
  const isCache = role === 'CACHE';
  const written = isCache ? settings.cachePathPrefix : settings.sourcesPathPrefix;
  const prefix = written.replace(/^\/+|\/+$/g, '');
  const reason = prefix === '' ? undefined : whyNotAPrefix(prefix);
  if (reason !== undefined) {
    reader.problem(`TINTYPE_${role}_PATH_PREFIX`, `TINTYPE_${role}_PATH_PREFIX is "${written}", which ${reason}.`);
  }
  const builders: ((wrap: WrapTier) => StorageAdapter)[] = [];
  let remote = false;
  for (const { descriptor } of descriptors.values()) {
    if (!ids.includes(descriptor.id)) reader.know(storageSection(descriptor, undefined, role));
  }
  for (const id of ids) {
    const descriptor = descriptors.get(id)?.descriptor;
    if (descriptor === undefined) {
      const known = [...descriptors.keys()].sort().join(', ') || 'none; install a storage plugin';
      const tiers = isCache && id.includes(',') ? ` Several, nearest first, are TINTYPE_CACHE_TIERS=${id}.` : '';
      reader.problem(variable, `${variable} names "${id}"; expected one of the installed storages: ${known}.${tiers}`);
      continue;
    }
    const section = storageSection(descriptor, `${variable}=${ids.join(',')}`, role);
    const options = reader.read(section);
    remote ||= descriptor.remote ?? false;
    builders.push((wrap) => {
      const adapter = descriptor.create(options, {
        bucket: isCache ? settings.cacheBucket : settings.sourcesBucket,
        pathPrefix: prefix,
        bucketVariable: `TINTYPE_${role}_BUCKET`,
        variablePrefix: `TINTYPE_${section.prefix}`,
      });
      return wrap(adapter, { id, remote: descriptor.remote ?? false });
    });
  }
  if (builders.length === 0) return undefined;
  return {
    name: ids.join(','),
    remote,
    build: (wrap, onOpenError, distrustedUntil) => {
      const { cacheNearTtl } = settings;
      const options = {
        ...(onOpenError === undefined ? {} : { onOpenError }),
        ...(distrustedUntil === undefined ? {} : { distrustedUntil }),
        ...(cacheNearTtl === undefined ? {} : { maxCopyMs: cacheNearTtl * 1_000 }),
      };
      const adapters = builders.map((build) => build(wrap));
      const last = adapters.pop();
      if (last === undefined) throw new SettingsError([]);
      const storage = adapters.reduceRight((far, near) => tiered(near, far, options), last);
      return prefix === '' ? storage : prefixed(storage, prefix);
    },
  };
}
