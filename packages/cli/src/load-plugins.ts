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
export async function loadPlugins(specifiers: readonly string[], cwd: string): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  for (const specifier of specifiers) plugins.push(await loadPlugin(specifier, cwd));
  return plugins;
}

async function loadPlugin(specifier: string, cwd: string): Promise<Plugin> {
  let module: { readonly default?: unknown };
  try {
    module = /^[./]|^[A-Za-z]:[\\/]/.test(specifier)
      ? await import(pathToFileURL(resolve(cwd, specifier)).href)
      : await importFrom(specifier, cwd);
  } catch (error) {
    const missing = isMissing(error, specifier);
    const why = missing ? `there is none in ${cwd}, install it there` : reasonOf(error);
    throw new Failure(`The plugin ${specifier} could not be loaded: ${why}.`, 2, { cause: error });
  }
  if (!isPlugin(module.default)) {
    throw new Failure(`${specifier} is no plugin: its default export must be what definePlugin made.`);
  }
  return module.default;
}

/** `import(specifier)` as a module in `folder` would do it, with every condition of its exports. */
async function importFrom(specifier: string, folder: string): Promise<{ readonly default?: unknown }> {
  const parentURL = pathToFileURL(join(folder, 'tintype.config.ts')).href;
  const hooks = registerHooks({
    resolve: (asked, context, next) =>
      asked === specifier && context.parentURL === import.meta.url
        ? next(asked, { ...context, parentURL })
        : next(asked, context),
  });
  try {
    return await import(specifier);
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
