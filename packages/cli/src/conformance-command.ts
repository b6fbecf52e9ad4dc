import { conformanceCommand } from '@tintype/conformance';
import { type Plugin, type Section, type SettingsInput, SettingsReader, storageMaker } from '@tintype/core';
import type { ExitCode } from './failure.ts';
import { flagNames } from './setting-flags.ts';
import type { Surroundings } from './surroundings.ts';

/** `tintype conformance`: the kit's own command, with storages made of the settings that `serve` reads. */
export async function conformance(
  argv: readonly string[],
  plugins: readonly Plugin[],
  sections: readonly Section[],
  input: SettingsInput,
  { cwd, stdout, stderr }: Surroundings,
): Promise<ExitCode> {
  const make = await storageMaker({ plugins, input, flag: '--use' });
  let warned = false;
  const storageOf: typeof make = (id) => {
    if (!warned) {
      warned = true;
      for (const warning of strangersIn(input, sections)) stderr.write(`Warning: ${warning}\n`);
    }
    return make(id);
  };
  return conformanceCommand(argv, { cwd, stdout, stderr, storageOf, settingFlags: flagNames(sections) });
}

/** Variables of the kit's own, such as `TINTYPE_CONFORMANCE_BUDGET`. */
const OWN_PREFIX = 'TINTYPE_CONFORMANCE_';

/** What `serve` would warn of: a misspelt variable is often the reason why another one is missing. */
function strangersIn(input: SettingsInput, sections: readonly Section[]): readonly string[] {
  const env = Object.fromEntries(Object.entries(input.env ?? {}).filter(([name]) => !name.startsWith(OWN_PREFIX)));
  const reader = new SettingsReader({ ...input, env });
  for (const section of sections) reader.know(section);
  return reader.finish().warnings;
}
