import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT } from '../../packages/cli/src/bare-environment.fixture.ts';

/** What a user runs: the built command. */
const TINTYPE = fileURLToPath(new URL('../../packages/cli/bin/tintype.js', import.meta.url));
const PHOTOS = new URL('../../examples/demo/images/', import.meta.url);

/** The photograph that is the source. */
export function photograph(): Promise<Buffer> {
  return readFile(new URL('rocket.jpg', PHOTOS));
}

/** What a command ended with. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs another command than `serve` to its end. */
export async function tintype(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [TINTYPE, ...args], { ...bare(env), stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return { code: code as number | null, stdout, stderr };
}

/** A busy machine, or a slow first login, is no reason for another answer. */
const PATIENCE = {
  TINTYPE_TIMEOUT: '60',
  TINTYPE_DOWNLOAD_TIMEOUT: '60',
  TINTYPE_READ_REQUEST_TIMEOUT: '60',
  TINTYPE_CACHE_LOOKUP_TIMEOUT: '60',
  TINTYPE_KEEP_ALIVE_TIMEOUT: '600',
};

/** A `tintype serve` that answers. */
export interface Served {
  readonly url: string;
  /** What it has said so far, the first line and the log. */
  said(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** `tintype serve` on a free port; killed with the test if it still runs. */
export async function serve(env: Readonly<Record<string, string>>): Promise<Served> {
  const child = spawn(process.execPath, [TINTYPE, 'serve', '--bind', '127.0.0.1:0'], {
    // A transforming process takes half of a start, and has nothing to do with clouds.
    ...bare({ TINTYPE_DRAIN_DELAY: '0', TINTYPE_TRANSFORM_PROCESSES: '0', ...PATIENCE, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  onTestFinished(() => (child.exitCode === null && child.signalCode === null ? kill('SIGKILL') : undefined));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  for (;;) {
    const url = /Serving on (http:[^;]+);/.exec(said)?.[1];
    if (url !== undefined) return { url, kill, said: () => said };
    await Promise.race([once(child.stdout, 'data'), exited]);
    if (child.exitCode !== null) throw new Error(`tintype serve ended before it served:\n${said}`);
  }
}

function bare(env: Readonly<Record<string, string>>): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
  return { cwd: tmpdir(), env: { ...BARE_ENVIRONMENT, ...env } };
}
