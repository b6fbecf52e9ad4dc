import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pinnedNode, root, toolScript } from '../../scripts/workspace.mjs';

// The rule is Biome's, so the test is Biome's verdict: files at the places the rule speaks of, in a folder of their
// own, under the repository's biome.json.

const forbidden: [string, string][] = [
  ['packages/core/src/a.ts', '@tintype/fs'],
  ['packages/core/src/pipeline/a.ts', 'tintype'],
  ['packages/core/src/a.ts', 'undici'],
  ['packages/core/src/a.ts', '@aws-sdk/client-s3'],
  ['packages/core/src/a.ts', '../../server/src/index.ts'],
  ['packages/core/src/a.test.ts', '@tintype/memory'],
  ['packages/http-cache/src/a.ts', '@tintype/core'],
  ['packages/http-cache/src/a.ts', 'node:fs'],
  ['packages/server/src/a.ts', '@tintype/sharp'],
  ['packages/workers/src/a.ts', '@tintype/sharp'],
  ['packages/conformance/src/a.ts', '@tintype/memory'],
  ['packages/cli/src/a.ts', '../../../plugins/fs/src/index.ts'],
  ['plugins/s3/src/a.ts', '@tintype/fs'],
  ['plugins/s3/src/a.ts', '@tintype/server'],
  ['plugins/s3/src/a.ts', 'tintype'],
  ['plugins/s3/src/a.ts', '../../gcs/src/client.ts'],
  ['plugins/s3/src/a.ts', '../../../packages/core/dist/index.js'],
  ['plugins/s3/src/a.test.ts', '@tintype/fs'],
  ['examples/demo/a.ts', '../../packages/core/src/index.ts'],
];

const allowed: [string, string][] = [
  ['packages/core/src/a.ts', 'node:fs/promises'],
  ['packages/core/src/a.ts', 'inversify'],
  ['packages/core/src/a.ts', '../contracts/storage.ts'],
  ['packages/core/src/a.test.ts', 'vitest'],
  ['packages/http-cache/src/a.ts', './age.ts'],
  ['packages/http-cache/src/a.ts', 'structured-headers'],
  ['packages/server/src/a.ts', '@tintype/core'],
  ['packages/conformance/src/a.test.ts', '@tintype/memory'],
  ['packages/cli/src/a.ts', '@tintype/fs'],
  ['plugins/s3/src/a.ts', '@tintype/core'],
  ['plugins/s3/src/a.ts', '@aws-sdk/client-s3'],
  ['plugins/s3/src/a.test.ts', '@tintype/conformance'],
  ['examples/demo/a.ts', '@tintype/sharp'],
];

const forms = [
  (from: string) => `import x from '${from}';\nconsole.log(x);\n`,
  (from: string) => `import type { X } from '${from}';\nexport type Y = X;\n`,
  (from: string) => `export * from '${from}';\n`,
  (from: string) => `console.log(await import('${from}'));\n`,
];

/** Each case's file has a name of its own, beside the one the case names. */
const fileOf = ([file]: [string, string], index: number, form: number): string =>
  file.replace('/a.', `/case-${index}-${form}.`);

const cases = [...forbidden, ...allowed];
let folder: string;
let reported: Set<string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tintype-directions-'));
  await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'));
  for (const [index, entry] of cases.entries()) {
    for (const [form, text] of forms.entries()) {
      const path = join(folder, fileOf(entry, index, form));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text(entry[1]));
    }
  }
  const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none'];
  const said = await new Promise<string>((resolve) => {
    const script = [toolScript('@biomejs/biome'), ...args, '--only=style/noRestrictedImports', '.'];
    execFile(pinnedNode, script, { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(said) as { diagnostics: { location: { path: string } }[] };
  reported = new Set(diagnostics.map(({ location }) => location.path));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const verdicts = (entry: [string, string]): boolean[] =>
  forms.map((_, form) => reported.has(fileOf(entry, cases.indexOf(entry), form)));

test.each(forbidden.map((entry) => ({ file: entry[0], from: entry[1], entry })))(
  '$file must not import $from, in any form',
  ({ entry }) => expect(verdicts(entry)).toEqual(forms.map(() => true)),
);

test.each(allowed.map((entry) => ({ file: entry[0], from: entry[1], entry })))('$file may import $from', ({ entry }) =>
  expect(verdicts(entry)).toEqual(forms.map(() => false)),
);
