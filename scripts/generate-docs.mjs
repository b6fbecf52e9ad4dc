// Writes the pages that are made from the built packages: node scripts/generate-docs.mjs

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsPage, variablesPage } from 'tintype';
import { withMatrix } from './matrix.mjs';
import { root } from './workspace.mjs';

writeFileSync(join(root, 'docs/variables.md'), await variablesPage());
writeFileSync(join(root, 'docs/metrics.md'), await metricsPage());

const backends = join(root, 'docs/backends.md');
writeFileSync(backends, withMatrix(readFileSync(backends, 'utf8')));
