// Why an installation failed, in a sentence that says what to do.

import { pnpm } from './workspace.mjs';

const causes = [
  {
    signs: /ERR_PNPM_OUTDATED_LOCKFILE|NO_IMPORTER|frozen-lockfile.*not up to date/i,
    advice: `A package.json changed and pnpm-lock.yaml did not. Run "npx ${pnpm} install" and commit both.`,
  },
  {
    signs: /ERR_PNPM_IGNORED_BUILDS|allowBuilds/,
    advice:
      'A dependency has a build script that nobody has decided on. Name it under allowBuilds in pnpm-workspace.yaml.',
  },
  { signs: /ENOSPC/, advice: 'The disk is full.' },
  {
    signs: /EACCES|EPERM|EROFS/,
    advice:
      'A folder could not be written: the checkout, the home folder (npm and pnpm keep their caches there) or the temporary folder.',
  },
  {
    signs:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|META_FETCH_FAIL|CERT|self.signed|error sending request|dns error/i,
    advice:
      'The npm registry could not be reached. The first run needs a network connection (behind a proxy, set HTTPS_PROXY or the registry in .npmrc); later runs do not.',
  },
];

/**
 * @param {number} code the exit code of npx, 127 when it could not be started
 * @param {string} output
 */
export function explainInstallFailure(code, output) {
  if (code === 127) return 'npx was not found. It comes with npm: install npm and run the command again.';
  const cause = causes.find(({ signs }) => signs.test(output));
  return cause === undefined ? 'The dependencies could not be installed; the output above says why.' : cause.advice;
}
