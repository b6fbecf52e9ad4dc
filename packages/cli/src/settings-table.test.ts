import { Writable } from 'node:stream';
import type { EffectiveSetting } from '@tintype/core';
import { expect, test } from 'vitest';
import { settingsTable } from './settings-table.ts';

const plain = Object.assign(new Writable(), { isTTY: false }) as unknown as NodeJS.WriteStream;

function setting(variable: string, value: string, from = ''): EffectiveSetting {
  const spec = { kind: 'string', description: '' } as const;
  const source = from === '' ? 'default' : 'environment';
  return { variable, value, source, from, spec, section: 'Proxy' };
}

const SETTINGS = [
  setting('TINTYPE_TTL', '60', 'TINTYPE_TTL'),
  setting('TINTYPE_ALLOW_LINK_LOCAL_SOURCE_ADDRESSES', 'false'),
  setting('TINTYPE_CACHE_FS_ROOT', `/srv/${'long/'.repeat(12)}cache`, 'IMGPROXY_CACHE_FS_ROOT'),
];

test('values and where they came from stand in columns', () => {
  expect(settingsTable(SETTINGS.slice(0, 2), { width: 120, stream: plain })).toBe(
    [
      'Proxy',
      '  TINTYPE_TTL                                60     environment',
      '  TINTYPE_ALLOW_LINK_LOCAL_SOURCE_ADDRESSES  false  default',
      '',
    ].join('\n'),
  );
});

test('a long value is never cut: where it came from moves below it', () => {
  const table = settingsTable(SETTINGS, { width: 80, stream: plain });
  expect(table).toContain(`  /srv/${'long/'.repeat(12)}cache\n${' '.repeat(45)}IMGPROXY_CACHE_FS_ROOT\n`);
});

test('what does not fit into its column stands beside the value', () => {
  const settings = [...SETTINGS, setting('TINTYPE_KEY', '••••', 'IMGPROXY_SOMETHING_LONG')];
  expect(settingsTable(settings, { width: 80, stream: plain })).toContain('  ••••  IMGPROXY_SOMETHING_LONG\n');
});

test('sections are separated, and each has its title once', () => {
  const other = { ...setting('TINTYPE_QUALITY', '80'), section: 'Transformer sharp' };
  const lines = settingsTable([...SETTINGS.slice(0, 1), other], { width: 80, stream: plain }).split('\n');
  expect(lines.filter((line) => !line.startsWith(' '))).toEqual(['Proxy', '', 'Transformer sharp', '']);
});
