/** The flags that decide which other flags there are. */
const EARLY = { '--config': 'CONFIG', '--plugins': 'PLUGINS' } as const;

/**
 * Finds `--config` and `--plugins` in the arguments before these are parsed: only the plugins know
 * all the flags. The proper parsing comes after and reports what is wrong.
 */
export function earlyFlags(argv: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [index, argument] of argv.entries()) {
    if (argument === '--') break;
    for (const [flag, name] of Object.entries(EARLY)) {
      if (argument.startsWith(`${flag}=`)) found[name] = argument.slice(flag.length + 1);
      else if (argument === flag) found[name] = argv[index + 1] ?? '';
    }
  }
  return found;
}
