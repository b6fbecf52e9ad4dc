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
}

/** Loads what the command brings, what the config file adds, and what `TINTYPE_PLUGINS` names. */
export async function compose(
  flags: Readonly<Record<string, string>>,
  { env, cwd }: Pick<Surroundings, 'env' | 'cwd'>,
): Promise<Composition> {
  const { config } = new SettingsReader({ flags, env, cwd }).read(coreSection);
  const loaded = await loadConfig(config, cwd);
  const input: SettingsInput = {
    env,
    cwd,
    ...(loaded === undefined ? {} : { file: fileInput(loaded) }),
  };
  const specifiers = new SettingsReader({ ...input, flags }).read(coreSection).plugins;
  // Here and not at the top: it loads the image library, which --help and --version do without.
  const { builtInPlugins, builtInTransformingModules } = await import('./built-in-plugins.ts');
  const named = await loadPlugins(specifiers, cwd);
  const more = [...(loaded?.config.plugins ?? []), ...named.map(({ plugin }) => plugin)];
  // By name, so that another version of a built-in one takes its place.
  const plugins = [...new Map([...builtInPlugins, ...more].map((plugin) => [plugin.name, plugin])).values()];
  const transformingModules = [
    ...builtInTransformingModules,
    ...(loaded === undefined ? [] : [loaded.url]),
    ...named.map(({ url }) => url),
  ];
  return { plugins, transformingModules, sections: await sectionsOf(plugins), input };
}
