import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** What a user runs: the built command. */
const TINTYPE = fileURLToPath(new URL('../../packages/cli/bin/tintype.js', import.meta.url));
const PHOTOS = new URL('../../examples/demo/images/', import.meta.url);

/** The photograph that is the source. */
export function photograph(): Promise<Buffer> {
  return readFile(new URL('rocket.jpg', PHOTOS));
}

/** A `tintype serve` that answers. */
export interface Served {
  readonly url: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** `tintype serve` on a free port; killed with the test if it still runs. */
export async function serve(env: Readonly<Record<string, string>>): Promise<Served> {
  const child = spawn(process.execPath, [TINTYPE, 'serve', '--bind', '127.0.0.1:0'], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: tmpdir(), TINTYPE_DRAIN_DELAY: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  onTestFinished(() => (child.exitCode === null && child.signalCode === null ? kill('SIGKILL') : undefined));
  return { url: await firstLine(child), kill };
}

/** The address in the line with which it begins. */
async function firstLine(child: ChildProcess): Promise<string> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  for (;;) {
    const url = /Serving on (http:[^;]+);/.exec(said)?.[1];
    if (url !== undefined) return url;
    const more = child.stdout === null ? undefined : once(child.stdout, 'data');
    await Promise.race([more, once(child, 'exit')]);
    if (child.exitCode !== null) throw new Error(`tintype serve ended before it served:\n${said}`);
  }
}
