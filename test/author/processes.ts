import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BARE_ENVIRONMENT } from '../../packages/cli/src/bare-environment.fixture.ts';
import { root, toolScript } from '../../scripts/workspace.mjs';

export { root };

/** The `tintype` command, run from its sources. */
export const tintype: readonly string[] = [join(root, 'packages/cli/src/main.ts')];

/** TypeScript's compiler. */
export const tsc: readonly string[] = [toolScript('typescript')];

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

export class RunningProcess {
  readonly #child;
  output = '';
  readonly ended: Promise<Outcome>;

  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
    const variables = { ...BARE_ENVIRONMENT, NODE_OPTIONS: '--conditions=@tintype/source', ...env };
    this.#child = spawn(process.execPath, args, { cwd, env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.ended = once(this.#child, 'close').then(([code]) => ({ code: code as number | null, output: this.output }));
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** The match of `pattern` in what the process says, as soon as there is one. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      const end = this.ended.then(({ code }) => {
        throw new Error(`ended with ${code} before it said ${pattern}:\n${this.output}`);
      });
      await Promise.race([once(this.#child.stdout, 'data'), once(this.#child.stderr, 'data'), end]);
    }
  }

  async stop(): Promise<Outcome> {
    this.#child.kill('SIGTERM');
    return this.ended;
  }
}

/** Runs Node with these arguments to the end; what it writes to both outputs comes back together. */
export function node(args: readonly string[], cwd: string, env?: Readonly<Record<string, string>>): Promise<Outcome> {
  return new RunningProcess(args, cwd, env).ended;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-author-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
