import type { Plugin } from '../container/define-plugin.ts';
import type { OptionsOf } from '../contracts/options.ts';
import type { EndpointDefinition } from '../endpoints/definition.ts';
import type { CacheRule } from '../freshness/rules.ts';
import type { coreOptions } from './core-options.ts';

/** A setting of the config file: as in the environment, or as the value it stands for. */
export type FileSetting = string | number | boolean | readonly string[] | undefined;

/**
 * Settings by camelCase name: `TINTYPE_CACHE_FS_ROOT` is `cacheFsRoot`. Those of plugins are not
 * known to the type; a wrong name is reported at start, with the nearest known one.
 */
export type FileSettings = { readonly [K in keyof OptionsOf<typeof coreOptions>]?: FileSetting } & {
  readonly [name: string]: FileSetting;
};

/** What `tintype.config.ts` exports as default. */
export interface Config {
  readonly settings?: FileSettings;
  /** Added to those that `tintype` brings along. */
  readonly plugins?: readonly Plugin[];
  /** Paths with origins of their own. Without any, image URLs are answered everywhere. */
  readonly endpoints?: readonly EndpointDefinition[];
  /** What is to be done with some of the images. The first that fits counts. */
  readonly cacheRules?: readonly CacheRule[];
}

/** Adds types to a config file: `export default defineConfig({ settings: { cacheUse: 'fs' } })`. */
export function defineConfig(config: Config): Config {
  return config;
}
