import { type OptionSpec, otherVariables, type Section, sectionsOf, VARIABLE_PREFIX } from '@tintype/core';
import { builtInPlugins } from './built-in-plugins.ts';

const INTRODUCTION = `# All variables

<!-- Made from the option tables by \`scripts/generate-docs.mjs\`; changes here are overwritten. -->

A setting can be given in several ways; the first of these that is there and not empty wins:

1. a flag: \`--cache-use fs\`
2. a variable: \`TINTYPE_CACHE_USE=fs\`
3. imgproxy's variable of the same meaning, where the table names one: \`IMGPROXY_CACHE_USE=fs\`
4. another variable, where the table names one: \`PORT\`
5. a line of \`tintype.config.ts\`: \`export default { settings: { cacheUse: 'fs' } }\`
6. the default

The name of the flag and of the line in the file follow from the variable's:
\`TINTYPE_CACHE_FS_ROOT\`, \`--cache-fs-root\`, \`cacheFsRoot\`.
\`tintype config\` shows what is in force, and what gave it.

Units: durations are seconds, sizes are bytes or carry \`KiB\`, \`MiB\` or \`GiB\`, resolutions are megapixels.
Lists are separated by commas. Booleans are \`true\` or \`false\`.
`;

/** The reference page of every setting that the `tintype` command knows by itself, in Markdown. */
export async function variablesPage(): Promise<string> {
  const sections = await sectionsOf(builtInPlugins);
  return [INTRODUCTION, ...sections.map(sectionTable)].join('\n');
}

function sectionTable(section: Section): string {
  const rows = Object.entries(section.table).map(([name, spec]) => row(section, name, spec));
  return [`## ${section.title}`, '', '| variable | kind | default | meaning |', '|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

function row(section: Section, name: string, spec: OptionSpec): string {
  const variable = VARIABLE_PREFIX + section.prefix + name;
  const meaning = [spec.description, ...(spec.secret ? ['Never shown.'] : []), fallbacks(section, name, spec)];
  const cells = [`\`${variable}\``, kindOf(spec), defaultOf(spec), meaning.filter(Boolean).join(' ')];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function kindOf(spec: OptionSpec): string {
  if (spec.kind === 'enum') return (spec.choices ?? []).map((choice) => `\`${choice}\``).join(', ');
  const { min, max } = spec;
  const range = max === undefined ? (min !== undefined && min >= 1 ? `${min} or more` : '') : `${min ?? 0} to ${max}`;
  return [KINDS[spec.kind], range].filter(Boolean).join(', ');
}

const KINDS: Readonly<Record<OptionSpec['kind'], string>> = {
  string: 'text',
  boolean: 'boolean',
  integer: 'whole number',
  number: 'number',
  seconds: 'seconds',
  bytes: 'bytes',
  megapixels: 'megapixels',
  enum: 'word',
  list: 'list',
  hexList: 'list of hex',
  path: 'path',
  bind: 'address',
};

function defaultOf(spec: OptionSpec): string {
  if (spec.required) return 'required';
  return spec.default === undefined || spec.default === '' ? '' : `\`${spec.default}\``;
}

function fallbacks(section: Section, name: string, spec: OptionSpec): string {
  const others = otherVariables(section, name, spec).map((other) => `\`${other}\``);
  return others.length === 0 ? '' : `Also read from ${others.join(', then ')}.`;
}
