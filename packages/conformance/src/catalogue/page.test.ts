import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cataloguePage } from './page.ts';

const PAGE = new URL('../../../../docs/conformance.md', import.meta.url);

test('docs/conformance.md is the catalogue (TINTYPE_WRITE_DOCS=1 rewrites it)', async () => {
  if (process.env.TINTYPE_WRITE_DOCS) await writeFile(PAGE, cataloguePage());
  expect(await readFile(PAGE, 'utf8')).toBe(cataloguePage());
});
