import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withMatrix } from '../../scripts/matrix.mjs';
import { root } from '../../scripts/workspace.mjs';

test('docs/backends.md has the matrix of what is on record; if not: npm run docs', () => {
  const page = readFileSync(join(root, 'docs/backends.md'), 'utf8');
  expect(page).toBe(withMatrix(page));
});
