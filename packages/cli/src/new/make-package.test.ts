import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { installInCheckout } from './checkout.ts';
import { makePackage } from './make-package.ts';

async function checkout(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tintype-checkout-'));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const folder of ['examples', 'scripts', 'elsewhere']) await mkdir(join(root, folder));
  await writeFile(join(root, 'pnpm-workspace.yaml'), 'packages:\n  - examples/*\n');
  await writeFile(join(root, 'scripts/workspace.mjs'), "export const pnpm = 'pnpm@1.2.3';\n");
  return root;
}

async function dependenciesIn(parent: string, root: string): Promise<unknown> {
  const { folder, install } = await makePackage('storage', 'acme', '9.8.7', parent, root);
  const manifest = JSON.parse(await readFile(join(parent, folder, 'package.json'), 'utf8'));
  return [install, manifest.dependencies, manifest.devDependencies['@tintype/conformance']];
}

test('a package among the examples of a checkout gets the packages of the workspace', async () => {
  const root = await checkout();
  expect(await dependenciesIn(join(root, 'examples'), root)).toEqual([
    'npx pnpm@1.2.3 install',
    { '@tintype/core': 'workspace:^' },
    'workspace:^',
  ]);
});

test('a package anywhere else gets those of the registry', async () => {
  const root = await checkout();
  const fromRegistry = ['npm install', { '@tintype/core': '^9.8.7' }, '^9.8.7'];
  expect(await dependenciesIn(join(root, 'elsewhere'), root)).toEqual(fromRegistry);
  // Installed, the command lies in no checkout.
  await rm(join(root, 'pnpm-workspace.yaml'));
  expect(await dependenciesIn(join(root, 'examples'), root)).toEqual(fromRegistry);
});

test('the pinned package manager of this checkout is found', async () => {
  const examples = join(import.meta.dirname, '../../../../examples');
  expect(await installInCheckout(examples)).toMatch(/^npx pnpm@\d+\.\d+\.\d+ install$/);
});
