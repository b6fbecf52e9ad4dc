// Calls between the bench and its child processes, over the channel that `fork` makes.
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Named functions of one JSON value, in the child. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

interface Request {
  readonly id: number;
  readonly call: string;
  readonly argument: unknown;
}

type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** Answers calls until the parent goes. In the child. */
export function serveCalls(handlers: Handlers): void {
  process.on('message', async ({ id, call, argument }: Request) => {
    let reply: Reply;
    try {
      const handler = handlers[call];
      if (handler === undefined) throw new Error(`There is no call ${call}.`);
      reply = { id, value: await handler(argument as never) };
    } catch (error) {
      reply = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    if (process.connected) process.send?.(reply);
  });
  process.on('disconnect', () => process.exit(0));
}

export interface ChildOptions {
  /** The processor core it is bound to, where `taskset` is there; all of them unless given. */
  readonly core?: number | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** File descriptor for its standard output. */
  readonly stdout?: number;
  readonly nodeArguments?: readonly string[];
}

const TASKSET = ['/usr/bin/taskset', '/bin/taskset'].find((path) => existsSync(path));

/** A child process and its calls. In the parent. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #gone: Promise<void>;
  #nextId = 0;

  /** @param program name of a file beside this one, without its extension. */
  constructor(program: string, { core, environment = {}, stdout, nodeArguments = [] }: ChildOptions = {}) {
    const bound = core !== undefined && TASKSET !== undefined;
    const node = [...nodeArguments, '--disable-warning=ExperimentalWarning'];
    this.#process = fork(fileURLToPath(new URL(`./${program}.ts`, import.meta.url)), {
      execPath: bound ? TASKSET : process.execPath,
      execArgv: bound ? ['-c', String(core), process.execPath, ...node] : node,
      serialization: 'advanced',
      stdio: ['ignore', stdout ?? 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment },
    });
    this.#process.on('message', (reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('error' in reply) waiting?.reject(new Error(`${program}: ${reply.error}`));
      else waiting?.resolve(reply.value);
    });
    this.#gone = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`${program} ended: ${signal ?? code}.`));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  call<T>(name: string, argument?: unknown): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, call: name, argument } satisfies Request, (error) => error && reject(error));
    });
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const last = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    await this.#gone;
    clearTimeout(last);
  }
}
