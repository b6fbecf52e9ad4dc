import { registerHooks } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isPlugin, type Plugin } from '@tintype/core';
import { Failure, reasonOf } from './failure.ts';

/**
 * Imports plugins by the specifiers of `TINTYPE_PLUGINS`: packages as installed for `cwd`, or paths
 * relative to it.
 *
 * @throws Failure with one sentence.
 */
export async function loadPlugins(specifiers: readonly string[], cwd: string): Promise<readonly LoadedPlugin[]> {
  const plugins: LoadedPlugin[] = [];
  for (const specifier of specifiers) plugins.push(await loadPlugin(specifier, cwd));
  return plugins;
}

/** A plugin, and the URL that it was imported from. */
export interface LoadedPlugin {
  readonly plugin: Plugin;
  readonly url: string;
}

async function loadPlugin(specifier: string, cwd: string): Promise<LoadedPlugin> {
  let url = specifier;
  let module: { readonly default?: unknown };
  try {
    url = /^[./]|^[A-Za-z]:[\\/]/.test(specifier)
      ? pathToFileURL(resolve(cwd, specifier)).href
      : resolveFrom(specifier, cwd);
    module = await import(url);
  } catch (error) {
    const missing = isMissing(error, specifier);
    const why = missing ? `there is none in ${cwd}, install it there` : reasonOf(error);
    throw new Failure(`The plugin ${specifier} could not be loaded: ${why}.`, 2, { cause: error });
  }
  if (!isPlugin(module.default)) {
    throw new Failure(`${specifier} is no plugin: its default export must be what definePlugin made.`);
  }
  return { plugin: module.default, url };
}

/** What `import(specifier)` in a module of `folder` would import, by every condition of its exports. */
function resolveFrom(specifier: string, folder: string): string {
  const parentURL = pathToFileURL(join(folder, 'tintype.config.ts')).href;
  const hooks = registerHooks({
    resolve: (asked, context, next) =>
      asked === specifier && context.parentURL === import.meta.url
        ? next(asked, { ...context, parentURL })
        : next(asked, context),
  });
  try {
    return import.meta.resolve(specifier);
  } finally {
    hooks.deregister();
  }
}

/** The package itself is missing, and not something that it imports. */
function isMissing(error: unknown, specifier: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${specifier}'`)
  );
}
