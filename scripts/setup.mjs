// Installs and builds, each only if something changed since it was last done.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { discardStaleOutput } from './build-output.mjs';
import { explainInstallFailure } from './install-failure.mjs';
import { capture } from './processes.mjs';
import { announce, step } from './progress.mjs';
import { pinnedNode, pnpm, root, toolScript, workspacePackages } from './workspace.mjs';

/** A sentence for the reader about why nothing can go on. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/** How long npm waits between its attempts, unless the user's environment has it otherwise. */
const impatience = { npm_config_fetch_retry_mintimeout: '1000', npm_config_fetch_retry_maxtimeout: '5000' };

/** Written after a successful install; it lies in node_modules, so that it goes when they go. */
const stampPath = join(root, 'node_modules/.tintype/installed');

/** What an installation depends on: the lockfile, every package.json, the machine it is for. */
function installFingerprint() {
  const hash = createHash('sha256').update(`${pnpm} ${process.platform} ${process.arch}\n`);
  const manifests = workspacePackages().map(({ folder }) => `${folder}/package.json`);
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', ...manifests]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

const isInstalled = () =>
  existsSync(pinnedNode) && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === installFingerprint();

/** Installs exactly what the lockfile says, or throws a sentence that says why not. */
async function install() {
  if (isInstalled()) return;
  announce('installing dependencies; the first time this takes about a minute');
  const installing = step('dependencies');
  // npx brings the package manager, so that nobody has to have it; without a terminal it must not ask questions.
  const { code, output } = await capture(
    'npx',
    ['--yes', pnpm, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'],
    // Without a network npm would wait for more than a minute before it says so. On Windows npx is a .cmd file, which
    // only a shell can start.
    { env: { ...impatience, ...process.env }, shell: process.platform === 'win32' },
  );
  if (code !== 0) {
    installing.failed(output.split('\n').slice(-40).join('\n'));
    throw new SetupError(explainInstallFailure(code, output));
  }
  if (!existsSync(pinnedNode)) {
    throw new SetupError(
      `The installation brought no Node to ${pinnedNode}. Delete node_modules and run the command again; ` +
        'if it stays so, this platform may have no build of the pinned version.',
    );
  }
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(stampPath, installFingerprint());
  installing.ok();
}

/**
 * Compiles what changed.
 * @returns {Promise<boolean>} whether there were no errors
 */
async function build() {
  const building = step('build');
  discardStaleOutput();
  const { code, output } = await capture(pinnedNode, [toolScript('typescript', 'tsc'), '-b']);
  if (code === 0) building.ok();
  else building.failed(output);
  return code === 0;
}

/** Installs and builds; a failed build is reported and returned, so that the caller may go on. */
export async function prepare() {
  await install();
  return { built: await build() };
}

/** `npm run setup` */
export async function setup() {
  const { built } = await prepare();
  return built ? 0 : 1;
}
