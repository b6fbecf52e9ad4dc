import { expect, test } from 'vitest';
import { explainInstallFailure } from '../../scripts/install-failure.mjs';

test.each([
  ['no npm', 127, 'spawn npx ENOENT', /comes with npm/],
  ['no network, as npm says it', 1, 'npm error code ENOTFOUND\nnpm error network request failed', /network connection/],
  ['no network, as pnpm says it', 1, 'error sending request for url', /network connection/],
  ['a lockfile that lags behind', 1, 'Error: ERR_PNPM_OUTDATED_LOCKFILE', /commit both/],
  ['a new package without its lock', 1, 'ERR_PNPM_PACKAGE_MANAGER_NO_IMPORTER', /commit both/],
  ['an undecided build script', 1, 'ERR_PNPM_IGNORED_BUILDS', /allowBuilds/],
  ['a full disk', 1, 'ENOSPC: no space left on device', /disk is full/],
  ['a read-only folder', 243, 'npm error code EACCES', /could not be written/],
  ['anything else', 1, 'a dependency of a dependency', /output above/],
])('%s gets a sentence that says what to do', (_case, code, output, sentence) => {
  expect(explainInstallFailure(code, output)).toMatch(sentence);
});
