import { readFileSync } from 'node:fs';
import { isPlugin } from '@tintype/core';
import { expect, test } from 'vitest';
import plugin from './index.ts';
import { imgproxyUrlOptions } from './options.ts';
import { PRESET_NAMES, PROCESSING_OPTIONS } from './processing-options.ts';
import { UNSUPPORTED_OPTIONS } from './unsupported-options.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Rows of the table under a heading of the README, without head, rule and the space that aligns columns. */
function rowsUnder(heading: string): string[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.replace(/ +/g, ' '));
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replace(/ +/g, ' ');

test('the default export is the plugin', () => {
  expect(isPlugin(plugin)).toBe(true);
});

test('the table of options in the README is that of the code', () => {
  const rows = PROCESSING_OPTIONS.map(({ names: [long, ...short], arguments: args, default: usual, description }) => {
    return row(code(long), short.map(code).join(', '), args, code(usual), description);
  });
  const preset = row('`preset`', '`pr`', 'name:name', '`default`', 'Applies presets, in the order they are named.');
  expect(rowsUnder('Options')).toEqual([...rows, preset]);
});

test('the table of settings in the README is that of the code', () => {
  const rows = Object.entries(imgproxyUrlOptions).map(([name, { default: usual, description }]) =>
    row(code(`TINTYPE_${name}`), code(usual), description),
  );
  expect(rowsUnder('Settings')).toEqual(rows);
});

test('no name means two things', () => {
  const names = [...PROCESSING_OPTIONS.flatMap((option) => option.names), ...PRESET_NAMES];
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => UNSUPPORTED_OPTIONS.has(name))).toEqual([]);
});
