// The matrix in docs/backends.md: what holds where. Made of what the suites of the plugins have put on record.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matrixTables } from '@tintype/conformance';
import { attach } from './processes.mjs';
import { pinnedNode, root, toolScript } from './workspace.mjs';

/** In the order of the table. */
const plugins = ['memory', 'fs', 's3', 'gcs', 'abs', 'swift'];

const begin = '<!-- Made by `npm run docs` of what is on record; changes here are overwritten. -->';
const end = '<!-- The end of what is made. -->';

/** What is on record, plugin by plugin. */
function rows() {
  return plugins.flatMap((plugin) => {
    const folder = join(root, 'plugins', plugin, 'test/record');
    const files = existsSync(folder) ? readdirSync(folder).sort() : [];
    return files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')));
  });
}

/** The page with the matrix as it should be. */
export function withMatrix(/** @type {string} */ page) {
  const [before = '', rest = ''] = page.split(begin);
  const after = rest.split(end)[1];
  if (after === undefined) throw new Error('The page has no place for the matrix.');
  return `${before}${begin}\n\n${matrixTables(rows())}\n${end}${after}`;
}

/** Runs the suite of every plugin on every server, and puts on record what it comes to. */
export function recordMatrix() {
  const files = plugins.map((plugin) => {
    const own = `plugins/${plugin}/src/conformance.test.ts`;
    return existsSync(join(root, own)) ? own : `plugins/${plugin}/src/storage.test.ts`;
  });
  const env = { TINTYPE_TEST_REQUIRE: 'all', TINTYPE_CONFORMANCE_RECORD: '1' };
  return attach(pinnedNode, [toolScript('vitest'), 'run', ...files], env);
}
