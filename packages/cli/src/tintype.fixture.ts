import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BARE_ENVIRONMENT } from './bare-environment.fixture.ts';

/** What a user runs: the built command. */
const TINTYPE = fileURLToPath(new URL('../bin/tintype.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A command that runs until it ends or is told to. */
export class RunningCommand {
  readonly #child;
  #stdout = '';
  #stderr = '';
  readonly ended: Promise<Outcome>;

  constructor(args: readonly string[], { env, cwd }: Surroundings = {}) {
    const bare = { ...BARE_ENVIRONMENT, ...env };
    this.#child = spawn(process.execPath, [TINTYPE, ...args], { cwd: cwd ?? tmpdir(), env: bare });
    this.#child.stdin.end();
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = once(this.#child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  /** The match of `pattern` in standard output, as soon as there is one. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match !== null) return match;
      const more = once(this.#child.stdout, 'data');
      const end = this.ended.then((outcome) => {
        throw new Error(`ended with ${outcome.code} before it said ${pattern}:\n${outcome.stdout}${outcome.stderr}`);
      });
      await Promise.race([more, end]);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** Runs the command to its end. */
export function tintype(args: readonly string[], surroundings?: Surroundings): Promise<Outcome> {
  return new RunningCommand(args, surroundings).ended;
}

/** A folder with these files, removed at the end of the test. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async with(files: Readonly<Record<string, string>> = {}): Promise<Folder> {
    const path = await mkdtemp(join(tmpdir(), 'tintype-'));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), text);
    }
    return new Folder(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
