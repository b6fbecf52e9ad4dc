import { flagName, type OptionSpec, type Section } from '@tintype/core';
import { type Command, Option } from 'commander';

const PLACEHOLDERS: Readonly<Record<OptionSpec['kind'], string>> = {
  string: 'text',
  boolean: 'true|false',
  integer: 'number',
  number: 'number',
  seconds: 'seconds',
  bytes: 'bytes',
  megapixels: 'megapixels',
  enum: 'word',
  list: 'list',
  hexList: 'hex',
  path: 'path',
  bind: 'address',
};

/** Adds a flag for every setting; `shown` lists them in the command's help, by section. */
export function addSettingFlags(command: Command, sections: readonly Section[], shown: boolean): void {
  for (const { title, prefix, table } of sections) {
    for (const [name, spec] of Object.entries(table)) {
      const value = spec.choices?.join('|') ?? PLACEHOLDERS[spec.kind];
      // A switch may stand alone: `--allow-unsigned`.
      const argument = spec.kind === 'boolean' ? `[${value}]` : `<${value}>`;
      const given = spec.default === undefined || spec.default === '' ? '' : ` (default ${spec.default})`;
      const option = new Option(`${flagName(prefix + name)} ${argument}`, plain(spec.description) + given);
      // A setting whose name begins with NO_ is no negation of another.
      option.negate = false;
      command.addOption((shown ? option : option.hideHelp()).helpGroup(`${title}:`));
    }
  }
}

/** The settings that were given as flags, by variable name without `TINTYPE_`. */
export function settingFlags(command: Command, sections: readonly Section[]): Readonly<Record<string, string>> {
  const flags: Record<string, string> = {};
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    // What begins with --no- is on by default, as commander has it.
    if (value === undefined || command.getOptionValueSource(option.attributeName()) === 'default') continue;
    for (const { prefix, table } of sections) {
      for (const name of Object.keys(table)) {
        if (flagName(prefix + name) === option.long) flags[prefix + name] = String(value);
      }
    }
  }
  return flags;
}

/** Descriptions are written for the reference page; a terminal shows no Markdown. */
function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}

/** The flags of all settings: `--cache-fs-root`. */
export function flagNames(sections: readonly Section[]): readonly string[] {
  return sections.flatMap(({ prefix, table }) => Object.keys(table).map((name) => flagName(prefix + name)));
}
