import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { metricsPage } from './metrics-page.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('docs/metrics.md is what the catalogue says; if not: npm run setup && node scripts/generate-docs.mjs', async () => {
  expect(await readFile(join(ROOT, 'docs/metrics.md'), 'utf8')).toBe(await metricsPage());
});
