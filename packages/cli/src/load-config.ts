import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Config, isPlugin, nearestName, type SettingsInput } from '@tintype/core';
import { Failure, reasonOf } from './failure.ts';

/** The file that is read from the working directory unless `TINTYPE_CONFIG` names another. */
export const DEFAULT_CONFIG = 'tintype.config.ts';

/** A config file, checked for its shape; the settings in it are checked by the settings reader. */
export interface LoadedConfig {
  /** For messages, relative to the working directory where that is shorter. */
  readonly name: string;
  readonly url: string;
  readonly config: Config;
}

const SHAPE = 'export default { settings: { … }, plugins: [ … ], endpoints: [ … ], cacheRules: [ … ] }';
const MEMBERS = ['settings', 'plugins', 'endpoints', 'cacheRules'];

/**
 * Imports the config file; Node strips its types.
 *
 * @param named absolute path, if a flag or variable names one; then it has to exist.
 * @param again makes the file be read anew, for the how manieth time; what it imports is not.
 * @returns `undefined` if none is named and there is none in `cwd`.
 * @throws Failure with one sentence.
 */
export async function loadConfig(named: string | undefined, cwd: string, again = 0): Promise<LoadedConfig | undefined> {
  const path = named ?? join(cwd, DEFAULT_CONFIG);
  const fromHere = relative(cwd, path);
  const name = fromHere.startsWith('..') ? path : fromHere || basename(path);
  if (!existsSync(path)) {
    if (named === undefined) return undefined;
    throw new Failure(`The config file ${path} does not exist.`);
  }
  const url = pathToFileURL(path).href;
  let module: { readonly default?: unknown };
  try {
    module = await import(again === 0 ? url : `${url}?again=${again}`);
  } catch (error) {
    throw new Failure(`${name} could not be loaded${lineOf(error, path)}: ${reasonOf(error)}.`, 2, { cause: error });
  }
  return { name, url, config: checkShape(module.default, name) };
}

/** Where in the file it went wrong, if the stack tells; what stands there it tells as well, and that may be a key. */
function lineOf(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(path);
  const line = at < 0 ? undefined : /^(?:\?again=\d+)?:(\d+)/.exec(stack.slice(at + path.length))?.[1];
  return line === undefined ? '' : ` (line ${line})`;
}

function checkShape(value: unknown, name: string): Config {
  if (!isRecord(value)) throw new Failure(`${name} has no configuration as its default export; expected ${SHAPE}.`);
  for (const member of Object.keys(value)) {
    if (MEMBERS.includes(member)) continue;
    const nearest = nearestName(member, MEMBERS);
    const hint = nearest === undefined ? '' : `; the nearest is ${nearest}`;
    throw new Failure(`${name} exports the unknown member ${member}${hint}; expected ${SHAPE}.`);
  }
  const { settings, plugins, cacheRules } = value;
  if (cacheRules !== undefined && !(Array.isArray(cacheRules) && cacheRules.every(isRecord))) {
    throw new Failure(`cacheRules in ${name} is no array of rules; expected rules as in { source: '…*', ttl: 60 }.`);
  }
  if (settings !== undefined && !isRecord(settings)) {
    throw new Failure(`settings in ${name} is no object; expected settings by name, as in { cacheUse: 'fs' }.`);
  }
  if (plugins !== undefined && !Array.isArray(plugins)) {
    throw new Failure(`plugins in ${name} is no array; expected plugins that definePlugin made.`);
  }
  const stranger = plugins?.findIndex((plugin) => !isPlugin(plugin)) ?? -1;
  if (stranger !== -1) {
    throw new Failure(`plugins[${stranger}] in ${name} is no plugin; expected what definePlugin made.`);
  }
  return value as Config;
}

/** What a file gives to the settings reader; its plugins are loaded apart. */
export function fileInput({ name, config }: LoadedConfig): NonNullable<SettingsInput['file']> {
  const { settings = {}, endpoints, cacheRules } = config;
  return {
    name,
    settings,
    ...(endpoints === undefined ? {} : { endpoints }),
    ...(cacheRules === undefined ? {} : { cacheRules }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
