import { conformanceCommand } from '@tintype/conformance';
import { type Plugin, type SettingsInput, storageMaker } from '@tintype/core';
import type { ExitCode } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

/** `tintype conformance`: the kit's own command, with storages made of the settings that `serve` reads. */
export async function conformance(
  argv: readonly string[],
  plugins: readonly Plugin[],
  input: SettingsInput,
  { cwd, stdout, stderr }: Surroundings,
): Promise<ExitCode> {
  const storageOf = await storageMaker({ plugins, input, flag: '--use' });
  return conformanceCommand(argv, { cwd, stdout, stderr, storageOf });
}
