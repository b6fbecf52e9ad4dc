import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { camelCase, createProxy, sectionsOf, VARIABLE_PREFIX } from '@tintype/core';
import { expect, test } from 'vitest';
import { builtInPlugins } from './built-in-plugins.ts';
import { variablesPage } from './variables-page.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const page = await readFile(join(ROOT, 'docs/variables.md'), 'utf8');

test('docs/variables.md is what the option tables say; if not: npm run setup && node scripts/generate-docs.mjs', async () => {
  expect(page).toBe(await variablesPage());
});

test('every variable that is documented is read, and every variable that is read is documented', async () => {
  const asked = new Set<string>();
  const env = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get(_, variable) {
        asked.add(String(variable));
        return undefined;
      },
    },
  );
  // One storage is read at a time.
  for (const storage of [
    { cacheUse: 'memory' },
    { cacheUse: 'fs', cacheFsRoot: '/cache' },
    { cacheUse: 's3', useS3: true },
    { cacheUse: 'gcs', useGcs: true },
    { cacheUse: 'abs', useAbs: true, cacheAbsName: 'account', absName: 'account' },
    { cacheUse: 'swift', useSwift: true, ...loginOf('cacheSwift'), ...loginOf('swift') },
  ]) {
    // The same storage keeps results, and copies of sources.
    const both = Object.entries(storage).flatMap(([name, value]) => [
      [name, value],
      [name.replace(/^cache/, 'sources'), value],
    ]);
    const settings = { cacheBucket: 'bucket', sourcesBucket: 'bucket', ...Object.fromEntries(both) };
    const file = { name: 'test', settings };
    const proxy = await createProxy({ plugins: builtInPlugins, input: { env, file } });
    await proxy.close();
  }
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const documented = rows.flatMap((line) => {
    const [, name = ''] = /^\| `(\w+)`/.exec(line) ?? [];
    const [, others = ''] = /Also read from (.+)\. \|$/.exec(line) ?? [];
    return [name, ...others.matchAll(/`(\w+)`/g).map(([, other = '']) => other)];
  });
  expect([...asked].sort()).toEqual([...new Set(documented)].sort());
});

test('no two sections share a variable', async () => {
  const names = (await sectionsOf(builtInPlugins)).flatMap(({ prefix, table }) =>
    Object.keys(table).map((name) => VARIABLE_PREFIX + prefix + name),
  );
  expect(names).toHaveLength(new Set(names).size);
  expect(names).toHaveLength(new Set(names.map(camelCase)).size);
});

test('the environment is read in one place only', async () => {
  const readers: string[] = [];
  // The conformance kit is part of test runs, which are told by TINTYPE_TEST_* what to insist on.
  const kit = 'conformance/';
  for (const folder of ['packages', 'plugins']) {
    const files = await readdir(join(ROOT, folder), { recursive: true });
    for (const file of files) {
      if (!/^[\w-]+\/src\/.*\.ts$/.test(file.replaceAll('\\', '/')) || /\.(test|fixture)\.ts$/.test(file)) continue;
      if (file.startsWith(kit)) continue;
      const code = (await readFile(join(ROOT, folder, file), 'utf8')).replaceAll(/^\s*(?:\*|\/\*|\/\/).*$/gm, '');
      if (/\bprocess\.env\b|\benv\b.*from 'node:process'/.test(code)) readers.push(`${folder}/${file}`);
    }
  }
  // The second hands it on to child processes, with their number of threads.
  expect(readers.sort()).toEqual(['packages/cli/src/main.ts', 'packages/workers/src/worker-process.ts']);
});

/** What Swift cannot do without. */
function loginOf(prefix: string): Readonly<Record<string, string>> {
  const login = { Username: 'tester', ApiKey: 'testing', AuthUrl: 'http://127.0.0.1:9/auth/v1.0' };
  return Object.fromEntries(Object.entries(login).map(([name, value]) => [prefix + name, value]));
}
