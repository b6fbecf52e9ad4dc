import { createRequire } from 'node:module';
import process from 'node:process';
import { Writable } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { PrettyOptions, PrettyStream } from 'pino-pretty';
import { LogBuffer, standardOutput } from './log-buffer.ts';

export type { DestinationStream, Logger } from 'pino';

export interface LoggerOptions {
  /** `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. */
  readonly level: string;
  /** `json` is one object a line, for machines; `pretty` is for people at a terminal. */
  readonly format: 'json' | 'pretty';
  /** Receives whole lines; standard output unless given. */
  readonly destination?: DestinationStream | undefined;
  /** Whether `pretty` uses colours. Default: if it goes to a terminal that has some, and `NO_COLOR` is not set. */
  readonly color?: boolean | undefined;
}

/**
 * The logger of a proxy.
 *
 * To standard output, lines go through a `LogBuffer`, which never blocks and drops lines rather than
 * grow; a later line tells how many (`dropped`). Only `pretty` at a terminal waits for the terminal.
 */
export function createLogger(options: LoggerOptions): Logger {
  const atTerminal = options.destination === undefined && options.format === 'pretty' && process.stdout.isTTY === true;
  if (atTerminal) return pino(settingsOf(options), prettyStream(options, undefined));
  const destination = options.destination ?? standardOutput();
  const logger =
    options.format === 'pretty'
      ? pino(settingsOf(options), prettyStream(options, destination))
      : jsonLogger(options, destination);
  if (destination instanceof LogBuffer) {
    buffers.set(logger, destination);
    destination.onDropped = (dropped) => {
      logger.warn({ dropped }, `${dropped} log lines were dropped, because the log was not read fast enough.`);
    };
  }
  return logger;
}

/** Writes what a logger still holds; `false` if that took longer than `withinMs`, because nobody reads. */
export function flushLog(logger: Logger, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), withinMs);
    // A pretty logger knows nothing of the buffer behind its formatter.
    (buffers.get(logger) ?? logger).flush(() => {
      clearTimeout(late);
      resolve(true);
    });
  });
}

const buffers = new WeakMap<Logger, LogBuffer>();
const writers = new WeakMap<Logger, (fields: string) => void>();

/**
 * Writes the line of a request, of level `info`, whose fields are JSON already (`"status":200,"bytes":5`);
 * `undefined` for loggers that were not made here as `json`, which may format lines in their own way.
 *
 * Pino takes 2 to 3 µs to serialise the fields of a request, a tenth of all that a hit costs.
 */
export function requestWriter(logger: Logger): ((fields: string) => void) | undefined {
  return writers.get(logger);
}

function jsonLogger(options: LoggerOptions, destination: DestinationStream): Logger {
  const logger = pino(settingsOf(options), destination);
  const { pid } = process;
  let time = 0;
  let head = '';
  writers.set(logger, (fields) => {
    const now = Date.now();
    // At full load some twenty lines have the same time.
    if (now !== time) {
      time = now;
      head = `{"level":30,"time":${now},"pid":${pid},`;
    }
    destination.write(`${head}${fields},"msg":"request"}\n`);
  });
  return logger;
}

function settingsOf({ level }: LoggerOptions): { level: string; base: object } {
  return { level, base: { pid: process.pid } };
}

function prettyStream({ color }: LoggerOptions, destination: DestinationStream | undefined): PrettyStream {
  // Loaded on demand: a service that logs JSON has no use for it.
  const pretty: (options: PrettyOptions) => PrettyStream = createRequire(import.meta.url)('pino-pretty');
  return pretty({
    colorize: color ?? (destination === undefined && hasColors()),
    translateTime: 'HH:MM:ss.l',
    ignore: 'pid,hostname,method,url,status,bytes,ms,cache,id',
    messageFormat: ({ method, url, status, cache, bytes, ms, msg }) =>
      method === undefined
        ? String(msg)
        : `${method} ${url} ${status}${cache === undefined ? '' : ` ${cache}`}, ${bytes} bytes in ${ms} ms`,
    sync: true,
    ...(destination === undefined ? {} : { destination: writableOf(destination) }),
  });
}

/** Node's own answer, which heeds NO_COLOR, FORCE_COLOR and the kind of terminal. */
export function hasColors(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY === true && stream.hasColors();
}

function writableOf(destination: DestinationStream): NodeJS.WritableStream {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      destination.write(String(chunk));
      done();
    },
  });
}
