import { styleText } from 'node:util';
import type { SettingsInput } from '@tintype/core';

const INDENT = '  ';

/** What only a config file can say, and was found right: endpoints and rules, each member as it was given. */
export function fileTables(file: SettingsInput['file'], stream: NodeJS.WriteStream): string {
  if (file === undefined) return '';
  const { name, endpoints, cacheRules } = file;
  return (
    table(`Endpoints of ${name}`, endpoints, stream) +
    table(`Rules of ${name}, the first that fits`, cacheRules, stream)
  );
}

function table(title: string, given: unknown, stream: NodeJS.WriteStream): string {
  if (!Array.isArray(given) || given.length === 0) return '';
  const lines = given.flatMap((one: unknown, index) => {
    const members = Object.entries(one ?? {}).filter(([, value]) => value !== undefined);
    const width = Math.max(0, ...members.map(([name]) => name.length));
    return members.map(([name, value], at) => {
      const bullet = at === 0 ? `${index + 1}.`.padEnd(4) : ' '.repeat(4);
      return `${INDENT}${bullet}${name.padEnd(width)}${INDENT}${shown(value)}`;
    });
  });
  return `\n${styleText('bold', title, { stream })}\n${lines.join('\n')}\n`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ');
  return JSON.stringify(value) ?? String(value);
}
