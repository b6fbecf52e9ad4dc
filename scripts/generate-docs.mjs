// Writes the pages that are made from the built packages: node scripts/generate-docs.mjs

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricsPage, variablesPage } from 'tintype';
import { root } from './workspace.mjs';

writeFileSync(join(root, 'docs/variables.md'), await variablesPage());
writeFileSync(join(root, 'docs/metrics.md'), await metricsPage());
