// Writes docs/variables.md from the option tables of the built packages: node scripts/generate-docs.mjs

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variablesPage } from 'tintype';
import { root } from './workspace.mjs';

writeFileSync(join(root, 'docs/variables.md'), await variablesPage());
