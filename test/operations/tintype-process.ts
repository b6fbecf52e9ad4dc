import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BARE_ENVIRONMENT } from '../../packages/cli/src/bare-environment.fixture.ts';

/** What a user runs: the built command. */
const TINTYPE = fileURLToPath(new URL('../../packages/cli/bin/tintype.js', import.meta.url));

export const IMAGES = fileURLToPath(new URL('../../examples/demo/images/', import.meta.url));

/** Linux tells who a process's children are; elsewhere those tests say that they do not apply. */
export const CAN_SEE_CHILDREN = existsSync('/proc/self/task');

export interface Line extends Readonly<Record<string, unknown>> {
  readonly level: number;
  readonly pid: number;
  readonly msg: string;
}

/** Images are made by the process that serves: for tests of something else, since a child takes half of a start. */
export const WITHOUT_CHILD = { TINTYPE_TRANSFORM_PROCESSES: '0' } as const;

export interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Nothing reads standard output until `read` is called. */
  readonly unread?: boolean;
}

/** A running `tintype serve`, whose log can be looked at and waited for. Killed at the end of its test. */
export class TintypeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly lines: Line[] = [];
  readonly #waiting = new Set<() => void>();
  #stderr = '';
  #isOver = false;
  /** How it ended, once all that it and its children have said is read. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;

  constructor({ env = {}, cwd = tmpdir(), unread = false }: Options = {}) {
    this.#child = spawn(process.execPath, [TINTYPE, 'serve'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...BARE_ENVIRONMENT,
        TINTYPE_BIND: '127.0.0.1:0',
        TINTYPE_LOCAL_FILESYSTEM_ROOT: IMAGES,
        TINTYPE_DRAIN_DELAY: '0',
        // A busy machine is no reason for another answer.
        TINTYPE_TIMEOUT: '60',
        TINTYPE_DOWNLOAD_TIMEOUT: '60',
        TINTYPE_READ_REQUEST_TIMEOUT: '60',
        TINTYPE_CACHE_LOOKUP_TIMEOUT: '60',
        TINTYPE_GRACEFUL_STOP_TIMEOUT: '60',
        TINTYPE_KEEP_ALIVE_TIMEOUT: '600',
        // Each loads the image library, which takes most of a start.
        TINTYPE_TRANSFORM_PROCESSES: '1',
        ...env,
      },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // What nobody reads would never come to its end.
    this.#child.once('exit', () => this.#child.stdout?.resume());
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#isOver = true;
      this.#wake();
      return { code, signal };
    });
    if (unread) this.#child.stdout?.pause();
    else this.read();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Begins to read its log. */
  read(): void {
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.lines.push(JSON.parse(line));
      this.#wake();
    });
    this.#child.stdout?.resume();
  }

  /** The first line of which this holds, as soon as there is one. */
  async line(holds: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(holds);
      if (found !== undefined) return found;
      if (this.#isOver) {
        const text = this.lines.map((line) => line.msg).join('\n');
        throw new Error(`It ended before it logged that:\n${text}\n${this.#stderr}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** The message that matches, as soon as there is one. */
  said(pattern: RegExp): Promise<Line> {
    return this.line(({ msg }) => pattern.test(msg));
  }

  /** Its address, once all of its processes serve. */
  async serves(): Promise<string> {
    const { msg } = await this.said(/^Serving on /);
    if (/, \d+ processes/.test(msg)) await this.said(/^All \d+ processes serve\./);
    return /^Serving on ([^;]+);/.exec(msg)?.[1] ?? '';
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return (await this.ended).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.signal('SIGKILL');
    await this.ended;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Process ids of the children of a process. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Whether there is such a process (and it is not one that only waits to be buried). */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !stat.includes(') Z ');
}

/** Waits until something holds that announces itself in no way. */
export async function until(holds: () => Promise<boolean> | boolean, withinMs = 150_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Did not come true within ${withinMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * A port that nobody listened on a moment ago; not one of those that systems give out by themselves, to servers at
 * port 0 and to clients: another program might get it before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(16_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A folder that is removed at the end of its test. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'tintype-operations-')));
  }

  /** Writes the config file that a proxy in this folder reads. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await writeFile(
      join(this.path, 'tintype.config.ts'),
      `export default { settings: ${JSON.stringify(settings)} };\n`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
