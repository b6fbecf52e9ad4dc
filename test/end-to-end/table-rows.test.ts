import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type Sight, TABLE_ROWS } from './table-rows.ts';

/** Where tests of rows are, and the tables that they are made from. */
const FILES: Readonly<Record<Sight, readonly string[]>> = {
  endpoint: [
    'endpoint-tables.test.ts',
    'endpoint-image-tables.test.ts',
    '../clouds/lifetimes.test.ts',
    '../../packages/http-cache/src/cloudflare.fixture.ts',
  ],
  result: [
    'result-tables.test.ts',
    'freshness.test.ts',
    'negotiation.test.ts',
    'endpoint-image-tables.test.ts',
    '../clouds/lifetimes.test.ts',
  ],
};

/** Ids that stand in a text of the code, comments aside: a test's name, or a line of what it is made from. */
async function idsIn(file: string): Promise<readonly string[]> {
  const code = (await readFile(new URL(file, import.meta.url), 'utf8'))
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .join('\n');
  const texts = code.match(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
  return texts.flatMap((text) => text.match(/\b(?:[DAC]|IK)\d{1,2}\b/g) ?? []);
}

test.each(['endpoint', 'result'] as const)(
  'every row that shows in an answer of this kind has a test: %s',
  async (sight) => {
    const found = new Set((await Promise.all(FILES[sight].map(idsIn))).flat());
    const untested = TABLE_ROWS.filter(({ id, seen }) => (seen?.includes(sight) ?? true) && !found.has(id));
    expect(untested.map(({ id, about }) => `${id}: ${about}`)).toEqual([]);
  },
);

test('no test names a row that there is not', async () => {
  const known = new Set(TABLE_ROWS.map(({ id }) => id));
  const named = await Promise.all([...new Set([...FILES.endpoint, ...FILES.result])].map(idsIn));
  expect([...new Set(named.flat())].filter((id) => !known.has(id))).toEqual([]);
});
