import { readFileSync } from 'node:fs';
import { createProxy, definePlugin, isPlugin, type Transformer } from '@tintype/core';
import { expect, test } from 'vitest';
import plugin from './index.ts';
import { imgproxyUrlOptions } from './options.ts';
import { PRESET_NAMES, PROCESSING_OPTIONS } from './processing-options.ts';
import { UNSUPPORTED_OPTIONS } from './unsupported-options.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Stands in for a transformer, which a proxy must have; none of these tests asks it for a picture. */
const idle: Transformer = {
  revision: '1',
  supports: { operations: [], inputFormats: [], outputFormats: [] },
  open: async () => {},
  close: async () => {},
  transform: () => Promise.reject(new Error('not asked for')),
};
const idlePlugin = definePlugin({
  name: 'idle',
  register: (registry) => registry.transformer({ id: 'idle', options: {}, create: () => idle }),
});

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

test("a proxy signs by it with imgproxy's own variables", async () => {
  const env = { IMGPROXY_KEY: '746573742d6b6579', IMGPROXY_SALT: '746573742d73616c74', IMGPROXY_PRESETS: 'a=w:1' };
  const proxy = await createProxy({ plugins: [plugin, idlePlugin], input: { env } });
  expect(proxy.sign('/asd')).toBe('/oWaL7QoW5TsgbuiS9-5-DI8S3Ibbo1gdB2SteJh3a20/asd');
});

test('a proxy is not made with wrong settings, and all of them are told', async () => {
  const env = { TINTYPE_PRESETS: 'a=w:x,b=nothing', TINTYPE_BASE_URL: 'images/' };
  const made = createProxy({ plugins: [plugin, idlePlugin], input: { env } });
  await expect(made).rejects.toMatchObject({
    problems: [{ variable: 'TINTYPE_PRESETS' }, { variable: 'TINTYPE_PRESETS' }, { variable: 'TINTYPE_BASE_URL' }],
  });
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
