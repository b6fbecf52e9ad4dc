import { coreSection, type Plugin, type Section, type SettingsInput, SettingsReader, sectionsOf } from '@tintype/core';
import { loadConfig } from './load-config.ts';
import { loadPlugins } from './load-plugins.ts';
import type { Surroundings } from './surroundings.ts';

/** Everything a command needs to make a proxy, but for the flags. */
export interface Composition {
  readonly plugins: readonly Plugin[];
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
  const named = new SettingsReader({ flags, env, cwd }).read(coreSection).config;
  const loaded = await loadConfig(named, cwd);
  const input: SettingsInput = {
    env,
    cwd,
    ...(loaded === undefined ? {} : { file: { name: loaded.name, settings: loaded.config.settings ?? {} } }),
  };
  const specifiers = new SettingsReader({ ...input, flags }).read(coreSection).plugins;
  // Here and not at the top: it loads the image library, which --help and --version do without.
  const { builtInPlugins } = await import('./built-in-plugins.ts');
  const more = [...(loaded?.config.plugins ?? []), ...(await loadPlugins(specifiers, cwd))];
  // By name, so that another version of a built-in one takes its place.
  const plugins = [...new Map([...builtInPlugins, ...more].map((plugin) => [plugin.name, plugin])).values()];
  return { plugins, sections: await sectionsOf(plugins), input };
}
