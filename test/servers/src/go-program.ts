import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findGo } from './go.ts';
import { CACHE, isExecutable, onPath, run } from './processes.ts';

/** A program from the Go module registry, built into the cache folder. */
export interface GoProgram {
  /** Of the program, of its folder and of the command on the PATH. */
  readonly name: string;
  readonly version: string;
  /** `github.com/versity/versitygw/cmd/versitygw` */
  readonly path: string;
  /** What its module file asks for. */
  readonly go: string;
}

/** Where it is, or `undefined`. */
export async function findGoProgram({ name, version }: GoProgram): Promise<string | undefined> {
  const built = join(CACHE, `${name}-${version}`, name);
  return (await isExecutable(built)) ? built : onPath(name);
}

/** Builds it. Another process that does the same at the same time does no harm. */
export async function installGoProgram(program: GoProgram, say: (line: string) => void): Promise<void> {
  const { name, version, path } = program;
  const go = await findGo(program.go, say);
  say(`building ${path}@${version}`);
  const folder = join(CACHE, `${name}-${version}`);
  const building = `${folder}.${process.pid}`;
  await mkdir(building, { recursive: true });
  try {
    const env = { ...go.env, GOBIN: building, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' };
    await run(go.command, ['install', '-ldflags=-s -w', `${path}@${version}`], env);
    await rm(folder, { recursive: true, force: true });
    await rename(building, folder);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}
