import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Kind, type Row, rows } from './catalogue.ts';
import { runSuite } from './suite.ts';
import { table } from './table.ts';

// What a plain endpoint does: nothing is set but that it takes every method, which the suite's own set-up needs.
const ENDPOINT = { path: '/', originCacheControl: true, methods: '*' };

let all: readonly Row[] = [];

beforeAll(async () => {
  all = await rows(await runSuite(ENDPOINT));
  console.log(table(all));
}, 300_000);

const passedOf = (kind: Kind): readonly string[] =>
  all.filter((row) => row.kind === kind && row.passed).map(({ id }) => id);

describe('http-cache-tests 0.4.5 against a pass-through endpoint', () => {
  test('at least 150 of its 157 required tests pass', () => {
    expect(all.filter(({ kind }) => kind === 'required')).toHaveLength(157);
    expect(passedOf('required').length).toBeGreaterThanOrEqual(150);
  });

  test('at least 80 of its 86 optimal tests pass', () => {
    expect(all.filter(({ kind }) => kind === 'optimal')).toHaveLength(86);
    expect(passedOf('optimal').length).toBeGreaterThanOrEqual(80);
  });

  test('every test comes out as the kept list says: what passes unexpectedly fails here, too', async () => {
    const expected = JSON.parse(await readFile(new URL('expected-failures.json', import.meta.url), 'utf8')) as Record<
      string,
      string
    >;
    const failed = all.filter((row) => !row.passed);
    const unexpected = failed
      .filter(({ id }) => !Object.hasOwn(expected, id))
      .map(({ id, reason }) => `${id}: ${reason}`);
    const names = new Set(failed.map(({ id }) => id));
    const unexpectedPasses = Object.keys(expected).filter((id) => !names.has(id));
    expect({ unexpected, unexpectedPasses }).toEqual({ unexpected: [], unexpectedPasses: [] });
  });
});
