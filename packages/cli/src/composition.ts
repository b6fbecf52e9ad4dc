import { coreSection, type Plugin, type Section, type SettingsInput, SettingsReader, sectionsOf } from '@tintype/core';
import { fileInput, loadConfig } from './load-config.ts';
import { loadPlugins } from './load-plugins.ts';
import type { Surroundings } from './surroundings.ts';

/** Everything a command needs to make a proxy, but for the flags. */
export interface Composition {
  readonly plugins: readonly Plugin[];
  /** URLs of the modules that may bring or wrap the transformer, for the processes that make images. */
  readonly transformingModules: readonly string[];
  /** Every section of settings that these plugins can read. */
  readonly sections: readonly Section[];
  /** Environment and config file. */
  readonly input: SettingsInput;
  /** Whether the config file lists plugins. */
  readonly filePlugins: boolean;
}

/** What another process has read already, and this one must not read otherwise. */
export interface ReadBefore extends Pick<Composition, 'filePlugins'> {
  readonly file: SettingsInput['file'];
}

/**
 * Loads what the command brings, what the config file adds, and what `TINTYPE_PLUGINS` names.
 *
 * @param before whose settings are used instead of those in the file now, which may be others, or none.
 *   The file is loaded only for its plugins then.
 */
export async function compose(
  flags: Readonly<Record<string, string>>,
  { env, cwd }: Pick<Surroundings, 'env' | 'cwd'>,
  before?: ReadBefore,
): Promise<Composition> {
  const { config } = new SettingsReader({ flags, env, cwd }).read(coreSection);
  const loaded = before?.filePlugins === false ? undefined : await loadConfig(config, cwd);
  const ofFile = loaded?.config.plugins ?? [];
  const filePlugins = ofFile.length > 0;
  const file = before === undefined ? loaded && fileInput(loaded) : before.file;
  const input: SettingsInput = { env, cwd, ...(file === undefined ? {} : { file }) };
  const specifiers = new SettingsReader({ ...input, flags }).read(coreSection).plugins;
  // Here and not at the top: it loads the image library, which --help and --version do without.
  const { builtInPlugins, builtInTransformingModules } = await import('./built-in-plugins.ts');
  const named = await loadPlugins(specifiers, cwd);
  const more = [...ofFile, ...named.map(({ plugin }) => plugin)];
  // By name, so that another version of a built-in one takes its place.
  const plugins = [...new Map([...builtInPlugins, ...more].map((plugin) => [plugin.name, plugin])).values()];
  const transformingModules = [
    ...builtInTransformingModules,
    // Without plugins it has nothing to do with images, and may be half written when a process is replaced.
    ...(loaded === undefined || !filePlugins ? [] : [loaded.url]),
    ...named.map(({ url }) => url),
  ];
  return { plugins, transformingModules, sections: await sectionsOf(plugins), input, filePlugins };
}
