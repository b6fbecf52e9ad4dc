/** What every variable of the project begins with. */
export const VARIABLE_PREFIX = 'TINTYPE_';

/** The variables of imgproxy, which are read where the project's own are absent. */
export const IMGPROXY_PREFIX = 'IMGPROXY_';

/** `CACHE_FS_ROOT` → `cacheFsRoot`: how the config file and parsed options call a setting. */
export function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `CACHE_FS_ROOT` → `--cache-fs-root`: how the command line calls a setting. */
export function flagName(name: string): string {
  return `--${name.toLowerCase().replaceAll('_', '-')}`;
}

/** `imgproxy-url` → `IMGPROXY_URL_`: the prefix of the variables that a part's id gives. */
export function prefixOfId(id: string): string {
  return `${id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_`;
}
