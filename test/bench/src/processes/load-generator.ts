// The program that asks: as fast as answers come (closed loop), or at fixed times (open loop).
import { createHash } from 'node:crypto';
import { percentile, seededRandom } from '../statistics.ts';
import { serveCalls } from './calls.ts';
import { RawConnection } from './raw-client.ts';

export interface ClosedLoop {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly mustHit: boolean;
}

export interface LoopCount {
  readonly answers: number;
  readonly seconds: number;
  /** Share of one core that the generator itself took. */
  readonly busy: number;
}

export interface OpenLoop {
  readonly port: number;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** Milliseconds, from the time when a request was due to the last byte of its answer. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  /** Answers that were no hits of ours, and those that were no images. */
  readonly misses: number;
  readonly failures: number;
}

export interface EachOnce {
  readonly port: number;
  readonly connections: number;
  readonly paths: readonly string[];
  readonly mustHit: boolean;
}

let paths: readonly string[] = [];
const random = seededRandom(1);

function pick(): string {
  return paths[Math.floor(random() * paths.length)] ?? '/';
}

function check(connection: RawConnection, error: Error | undefined, mustHit: boolean): void {
  if (error) throw error;
  if (connection.status !== 200) throw new Error(`The answer was ${connection.status}.`);
  if (mustHit && !connection.wasHit) throw new Error('An answer did not come from the cache.');
}

function closedLoop({ port, connections, seconds, mustHit }: ClosedLoop): Promise<LoopCount> {
  return new Promise((resolve, reject) => {
    const all = Array.from({ length: connections }, () => new RawConnection(port));
    let answers = 0;
    let running = true;
    const stop = () => {
      running = false;
      for (const connection of all) connection.close();
    };
    for (const connection of all) {
      const next = () => {
        connection.ask(pick(), (error) => {
          if (!running) return;
          try {
            check(connection, error, mustHit);
          } catch (fault) {
            stop();
            reject(fault);
            return;
          }
          answers++;
          next();
        });
      };
      next();
    }
    const since = performance.now();
    const before = process.cpuUsage();
    setTimeout(() => {
      const elapsed = (performance.now() - since) / 1_000;
      const { user, system } = process.cpuUsage(before);
      resolve({ answers, seconds: elapsed, busy: (user + system) / 1e6 / elapsed });
      stop();
    }, seconds * 1_000);
  });
}

async function openLoop({ port, rate, seconds }: OpenLoop): Promise<Latencies> {
  const idle: RawConnection[] = [];
  const all: RawConnection[] = [];
  const taken: number[] = [];
  const total = Math.round(rate * seconds);
  let asked = 0;
  let misses = 0;
  let failures = 0;
  const since = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      // What a late timer missed is due at its own time: a server that stalls is not spared.
      for (; asked < total && performance.now() >= since + (asked * 1_000) / rate; asked++) {
        const due = since + (asked * 1_000) / rate;
        let connection = idle.pop();
        if (connection === undefined) {
          connection = new RawConnection(port);
          all.push(connection);
        }
        const asking = connection;
        asking.ask(pick(), (error) => {
          taken.push(performance.now() - due);
          idle.push(asking);
          if (error !== undefined || asking.status !== 200) failures++;
          else if (!asking.wasHit) misses++;
          if (taken.length === total) resolve();
        });
      }
      if (asked === total) clearInterval(timer);
    }, 1);
  });
  for (const connection of all) connection.close();
  const sorted = Float64Array.from(taken).sort();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), misses, failures };
}

/** Asks for each path once. @returns seconds */
async function eachOnce(argument: EachOnce): Promise<number> {
  const since = performance.now();
  const left = argument.paths[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: argument.connections }, async () => {
      const connection = new RawConnection(argument.port);
      for (const path of left) {
        await new Promise<void>((resolve, reject) => {
          connection.ask(path, (error) => {
            try {
              check(connection, error, argument.mustHit);
              resolve();
            } catch (fault) {
              reject(new Error(`${path}: ${fault}`));
            }
          });
        });
      }
      connection.close();
    }),
  );
  return (performance.now() - since) / 1_000;
}

/** Requests that go on until they are told to stop. */
let endless: { stop(): void } | undefined;
let nextEndless = 0;

/** @param paths each is asked for once, until there are no more */
function startEndless({ port, connections, paths }: EachOnce): void {
  const all = Array.from({ length: connections }, () => new RawConnection(port));
  for (const connection of all) {
    const next = () => {
      const path = paths[nextEndless++];
      if (path === undefined) throw new Error('There are no more paths to ask for: give more.');
      connection.ask(path, (error) => {
        check(connection, error, false);
        next();
      });
    };
    next();
  }
  endless = {
    stop() {
      for (const connection of all) connection.close();
    },
  };
}

/** SHA-256 of the body of each path, which must be a hit. */
async function digests({ port, paths }: { port: number; paths: readonly string[] }): Promise<readonly string[]> {
  const connection = new RawConnection(port);
  const found: string[] = [];
  for (const path of paths) {
    const { body } = await connection.get(path);
    check(connection, undefined, true);
    found.push(createHash('sha256').update(body).digest('hex'));
  }
  connection.close();
  return found;
}

/** Takes a long answer without keeping it. @returns its bytes */
async function drain({ port, path }: { port: number; path: string }): Promise<number> {
  const connection = new RawConnection(port);
  await new Promise<void>((resolve, reject) => {
    connection.ask(path, (error) => (error ? reject(error) : resolve()));
  });
  connection.close();
  return connection.bodyLength;
}

serveCalls({
  setPaths: (given: readonly string[]) => {
    paths = given;
  },
  closedLoop,
  openLoop,
  eachOnce,
  get: async ({ port, path }: { port: number; path: string }) => {
    const connection = new RawConnection(port);
    const answer = await connection.get(path);
    connection.close();
    return answer;
  },
  digests,
  drain,
  startEndless,
  stopEndless: () => endless?.stop(),
});
