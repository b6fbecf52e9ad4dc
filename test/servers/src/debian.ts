import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { onPath, run } from './processes.ts';
import { ServerError } from './server.ts';

/** Debian's own interpreter: another Python on the PATH does not know Debian's modules. */
export const PYTHON = '/usr/bin/python3';

/**
 * Installs Debian packages, none of whose services starts.
 *
 * @throws ServerError with the command where this machine or this user cannot.
 */
export async function installPackages(
  what: string,
  packages: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if ((await onPath('apt-get')) === undefined) {
    throw new ServerError(`${what} comes from Debian packages, and this machine has no apt-get.`);
  }
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && (await onPath('sudo')) === undefined) {
    throw new ServerError(`Installing ${what} needs root. Run: ${command}`);
  }
  say(`installing Debian packages: ${packages.join(' ')}`);
  const apt = async (...args: readonly string[]) => {
    const [program = '', ...rest] = [...sudo, 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-q', ...args];
    await run(program, rest, { DEBIAN_FRONTEND: 'noninteractive' });
  };
  await withoutServices(sudo, async () => {
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', ...packages);
  });
}

/** How a policy file of ours is known from one of the machine's own. */
const OURS = '# Written by the test servers of Tintype while they install packages.';

/** Keeps the packages from starting their services, which nobody here asked for. */
async function withoutServices(sudo: readonly string[], work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  // One of ours is what a run left that was broken off: it would keep every service from starting.
  if (existsSync(policy) && !(await readFile(policy, 'utf8')).includes(OURS)) return work();
  const sh = async (script: string) => {
    const [program = '', ...rest] = [...sudo, 'sh', '-c', script];
    await run(program, rest);
  };
  await sh(`printf '#!/bin/sh\\n${OURS}\\nexit 101\\n' > ${policy} && chmod +x ${policy}`);
  try {
    await work();
  } finally {
    await sh(`rm -f ${policy}`);
  }
}
