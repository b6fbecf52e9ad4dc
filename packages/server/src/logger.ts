import { createRequire } from 'node:module';
import process from 'node:process';
import { Writable } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { PrettyOptions, PrettyStream } from 'pino-pretty';

export type { DestinationStream, Logger } from 'pino';

export interface LoggerOptions {
  /** `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. */
  readonly level: string;
  /** `json` is one object a line, for machines; `pretty` is for people at a terminal. */
  readonly format: 'json' | 'pretty';
  /** Receives whole lines; standard output unless given. */
  readonly destination?: DestinationStream | undefined;
}

/** Lines are written together, this late at most (milliseconds). */
const FLUSH_EVERY = 200;
const FLUSH_AT_BYTES = 8 * 1024;
/** A reader of the log that stalls costs lines, counted, but never a request and never more memory. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * The logger of a proxy.
 *
 * To standard output, `json` lines go through a buffer that never blocks: it is written every 200 ms
 * and at exit, and beyond 4 MiB lines are dropped and counted (`dropped` in a later line).
 */
export function createLogger(options: LoggerOptions): Logger {
  if (options.format === 'pretty') return pino(settingsOf(options), prettyStream(options.destination));
  if (options.destination !== undefined) return jsonLogger(options, options.destination);

  const buffered = pino.destination({
    dest: 1,
    sync: false,
    minLength: FLUSH_AT_BYTES,
    maxLength: MAX_WAITING_BYTES,
    periodicFlush: FLUSH_EVERY,
  });
  const logger = jsonLogger(options, buffered);
  let dropped = 0;
  buffered.on('drop', () => {
    dropped += 1;
  });
  buffered.on('drain', () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    logger.warn({ dropped: count }, 'Log lines were dropped, because the log was not read fast enough.');
  });
  return logger;
}

const writers = new WeakMap<Logger, (fields: string) => void>();

/**
 * Writes a line of level `info` whose fields are JSON already (`"status":200,"bytes":5`); `undefined`
 * for loggers that were not made here as `json`, which may format lines in their own way.
 *
 * Pino takes 2 to 3 µs to serialise the fields of a request, a tenth of all that a hit costs.
 */
export function infoWriter(logger: Logger): ((fields: string) => void) | undefined {
  return writers.get(logger);
}

function jsonLogger(options: LoggerOptions, destination: DestinationStream): Logger {
  const logger = pino(settingsOf(options), destination);
  const { pid } = process;
  writers.set(logger, (fields) => destination.write(`{"level":30,"time":${Date.now()},"pid":${pid},${fields}}\n`));
  return logger;
}

function settingsOf({ level }: LoggerOptions): { level: string; base: object } {
  return { level, base: { pid: process.pid } };
}

function prettyStream(destination: DestinationStream | undefined): PrettyStream {
  // Loaded on demand: a service that logs JSON has no use for it.
  const pretty: (options: PrettyOptions) => PrettyStream = createRequire(import.meta.url)('pino-pretty');
  return pretty({
    colorize: destination === undefined && process.stdout.isTTY === true,
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

function writableOf(destination: DestinationStream): NodeJS.WritableStream {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      destination.write(String(chunk));
      done();
    },
  });
}
