import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, reasonOf } from '../failure.ts';
import { installInCheckout } from './checkout.ts';
import { type PackageKind, spellings } from './package-name.ts';

/** Real files, packed with this package: what all kinds share, and what each has besides. */
const TEMPLATES = fileURLToPath(new URL('../../templates/', import.meta.url));

/** Stands for our version, which all of Tintype's packages have, and for what else provides them. */
const VERSION_OF_TEMPLATES = '^0.0.0-tintype';

/** What was made. */
export interface MadePackage {
  /** Its name in `parent`. */
  readonly folder: string;
  /** The command that installs its dependencies. */
  readonly install: string;
}

/**
 * Makes the folder `<name>-<kind>` in `parent` of the templates.
 *
 * @param checkout where the workspace begins that this command runs from, if any.
 * @throws Failure with one sentence; an existing folder is left as it is.
 */
export async function makePackage(
  kind: PackageKind,
  name: string,
  version: string,
  parent: string,
  checkout?: string,
): Promise<MadePackage> {
  const folder = `${name}-${kind}`;
  const install = await installInCheckout(parent, checkout);
  const range = install === undefined ? `^${version}` : 'workspace:^';
  const files = new Map<string, string>();
  for (const template of ['shared', kind]) {
    const from = join(TEMPLATES, template);
    for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(nameOf(path.slice(from.length + 1)), fill(await readFile(path, 'utf8'), name, range));
    }
  }
  try {
    // Not recursive: it fails if the folder is there, so that nothing is ever overwritten.
    await mkdir(join(parent, folder));
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const why = exists ? 'it is there already; choose another name or remove it' : reasonOf(error);
    throw new Failure(`The folder ${folder} could not be made: ${why}.`, 2, { cause: error });
  }
  for (const [path, text] of files) {
    await mkdir(dirname(join(parent, folder, path)), { recursive: true });
    await writeFile(join(parent, folder, path), text);
  }
  return { folder, install: install ?? 'npm install' };
}

function fill(text: string, name: string, range: string): string {
  let filled = text.replaceAll(VERSION_OF_TEMPLATES, range);
  for (const [template, made] of spellings(name)) filled = filled.replaceAll(template, made);
  return filled;
}

/**
 * Files that cannot lie in a package under their own names: npm leaves `.gitignore` out, and a second
 * `package.json` makes tools take the template for a package.
 */
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore', 'manifest.json': 'package.json' };

function nameOf(path: string): string {
  return RENAMED[path] ?? path;
}
