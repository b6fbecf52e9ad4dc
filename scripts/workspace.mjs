// Where things are: the root, the packages, the pinned Node and the tools it runs.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The one package manager version: the lockfile and `allowBuilds` are written for it. */
export const pnpm = 'pnpm@12.21.0';

/** Folders that hold workspace packages, as in pnpm-workspace.yaml. */
const groups = ['packages', 'plugins', 'examples', 'test'];

/** @returns {any} */
export const readJson = (/** @type {string} */ path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * Every workspace package below the root.
 * @returns {{ folder: string, path: string, manifest: any }[]} folder is relative with `/`, path absolute
 */
export function workspacePackages() {
  return groups
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
    .sort()
    .map((folder) => ({ folder, path: join(root, folder) }))
    .filter(({ path }) => existsSync(join(path, 'package.json')))
    .map((entry) => ({ ...entry, manifest: readJson(join(entry.path, 'package.json')) }));
}

/** The packages that go to the registry. */
export const publishablePackages = () => workspacePackages().filter(({ manifest }) => manifest.private !== true);

/** The Node that package.json pins: everything but these scripts runs on it. */
export const pinnedNode = join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** The environment for children: the workspace's commands, `node` among them, come first. */
export const toolEnvironment = () => ({
  ...process.env,
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter),
});

/**
 * The script behind a tool's command, to be run by the pinned Node: spares a shell, and works the same everywhere.
 * @param {string} packageName
 * @param {string} [command] the key in `bin` if the package has several
 */
export function toolScript(packageName, command) {
  const folder = join(root, 'node_modules', packageName);
  const { bin } = readJson(join(folder, 'package.json'));
  return join(folder, typeof bin === 'string' ? bin : bin[command ?? Object.keys(bin)[0] ?? '']);
}
