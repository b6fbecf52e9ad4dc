// The packages as npm would serve them: packed, with the exports of publishConfig, and checked in that form.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './processes.mjs';
import { pinnedNode, pnpm, publishablePackages, root, toolScript } from './workspace.mjs';

/**
 * Packs every publishable package into a folder that is emptied first.
 * @param {string} folder
 * @returns {Promise<{ ok: true, tarballs: string[] } | { ok: false, output: string }>}
 */
export async function packPackages(folder = join(root, 'node_modules/.tintype/packed')) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const filters = publishablePackages().flatMap((entry) => ['--filter', `./${entry.folder}`]);
  const { code, output } = await capture(
    'npx',
    ['--yes', pnpm, '--recursive', ...filters, 'pack', '--pack-destination', folder],
    { env: process.env, shell: process.platform === 'win32' },
  );
  if (code !== 0) return { ok: false, output };
  return { ok: true, tarballs: readdirSync(folder).map((name) => join(folder, name)) };
}

/** A package's exports, files and fields as publint judges them; empty if there is nothing to say. */
export const publintFailures = (/** @type {string[]} */ tarballs) => failures('publint', ['--strict'], tarballs);

/** Whether types resolve for consumers with ES modules; empty if they do. */
export const typeResolutionFailures = (/** @type {string[]} */ tarballs) =>
  failures('@arethetypeswrong/cli', ['--profile', 'esm-only', '--no-color', '--no-emoji'], tarballs);

/**
 * Runs a tool on each tarball. A tarball is the same bytes as long as nothing in it changes, so what passed once
 * with this version of the tool is not asked again.
 * @param {string} packageName
 * @param {readonly string[]} args
 * @param {readonly string[]} tarballs
 */
async function failures(packageName, args, tarballs) {
  const script = toolScript(packageName);
  const manifest = readFileSync(join(root, 'node_modules', packageName, 'package.json'));
  const passedFolder = join(root, 'node_modules/.tintype/passed');
  mkdirSync(passedFolder, { recursive: true });
  let said = '';
  for (const tarball of tarballs) {
    const identity = createHash('sha256').update(manifest).update(args.join(' ')).update(readFileSync(tarball));
    const passed = join(passedFolder, identity.digest('hex'));
    if (existsSync(passed)) continue;
    const { code, output } = await capture(pinnedNode, [script, tarball, ...args]);
    if (code === 0) writeFileSync(passed, '');
    else said += output;
  }
  return said;
}
