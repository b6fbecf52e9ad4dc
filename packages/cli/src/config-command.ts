import {
  type EffectiveSetting,
  type Plugin,
  SettingsError,
  type SettingsInput,
  type SettingsProblem,
} from '@tintype/core';
import { connect } from './connect.ts';
import { Failure } from './failure.ts';
import { fileTables } from './file-tables.ts';
import { makeProxy } from './make-proxy.ts';
import type { ConfigOptions } from './program.ts';
import { settingsTable } from './settings-table.ts';
import { type Surroundings, widthOf } from './surroundings.ts';
import { whyNotUnsigned } from './unsigned-bind.ts';

/**
 * `tintype config`: what is in force, and where it came from; `--check` only tells what is wrong, and
 * `--connect` also what cannot be used.
 */
export async function showConfig(
  plugins: readonly Plugin[],
  input: SettingsInput,
  options: ConfigOptions,
  { stdout, stderr }: Pick<Surroundings, 'stdout' | 'stderr'>,
): Promise<void> {
  // Composing reads and checks every setting; it opens nothing.
  const proxy = await makeProxy(plugins, input).catch((error: unknown) => {
    if (options.json && SettingsError.is(error)) refuse(error.problems, stdout);
    throw error;
  });
  const { effective, warnings } = proxy;
  const warn = () => {
    for (const warning of warnings) stderr.write(`Warning: ${warning}\n`);
  };
  const refusal = whyNotUnsigned(proxy);
  if (options.check || options.connect) {
    if (refusal !== undefined && options.json) refuse([{ variable: 'TINTYPE_BIND', message: refusal }], stdout);
    if (!options.json) warn();
    if (refusal !== undefined) throw new Failure(refusal);
    if (!options.json) stdout.write('The configuration is right.\n');
    if (options.connect) await connect(proxy, { ...options, warnings }, stdout);
    if (options.json) stdout.write(`${JSON.stringify({ ok: true, warnings }, undefined, 2)}\n`);
  } else if (options.json) {
    const { endpoints = [], cacheRules = [] } = input.file ?? {};
    const all = { settings: effective.map(asJson), endpoints, cacheRules, warnings };
    stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  } else {
    stdout.write(settingsTable(effective, { width: widthOf(stdout), stream: stdout }));
    stdout.write(fileTables(input.file, stdout));
    // Below the table, where it is seen.
    warn();
    if (refusal !== undefined) stderr.write(`Warning: serve will refuse to start. ${refusal}\n`);
  }
}

/** What is wrong, for machines: standard output stays JSON whatever happens. */
function refuse(problems: readonly SettingsProblem[], stdout: NodeJS.WriteStream): never {
  stdout.write(`${JSON.stringify({ ok: false, problems }, undefined, 2)}\n`);
  throw new Failure('');
}

function asJson({ variable, value, source, from, section, spec }: EffectiveSetting): object {
  const shown = source === 'unset' ? null : value;
  return { variable, value: shown, source, from: from === '' ? null : from, section, secret: spec.secret ?? false };
}
