// What `tsc -b` does not look after: it believes its build record, not the output folder.

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from './workspace.mjs';

/** All files below a folder, relative to it, with `/`. */
const filesBelow = (/** @type {string} */ folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => statSync(join(folder, name)).isFile())
        .map((name) => name.replaceAll('\\', '/'))
    : [];

/** As tsconfig.base.json has it: tests and what only they use are not compiled. */
const isCompiled = (/** @type {string} */ file) => /(?<!\.test|\.test-d|\.fixture|\.d)\.ts$/.test(file);

/**
 * Removes output whose source is gone, which would otherwise be packed, and the build record of a package
 * that lacks output, which would otherwise count as built.
 */
export function discardStaleOutput() {
  for (const { path } of readJson(join(root, 'tsconfig.json')).references) {
    const folder = join(root, path);
    const sources = filesBelow(join(folder, 'src')).filter(isCompiled);
    const output = filesBelow(join(folder, 'dist'));
    const expected = new Set(
      sources.flatMap((file) => ['.js', '.js.map', '.d.ts'].map((end) => file.replace(/\.ts$/, end))),
    );
    for (const file of output) if (!expected.has(file)) rmSync(join(folder, 'dist', file));
    const present = new Set(output);
    if ([...expected].some((file) => !present.has(file)))
      rmSync(join(folder, 'build'), { recursive: true, force: true });
  }
}
