import { fstatSync, write, writeSync } from 'node:fs';
import process from 'node:process';
import type { DestinationStream } from 'pino';

/** Lines are written together, this late at most (milliseconds). */
const FLUSH_EVERY_MS = 200;
/** Each write wakes a thread of the pool, which at full load costs more than the lines themselves. */
const FLUSH_AT_CHARACTERS = 64 * 1024;
/** A reader of the log that stalls costs lines, counted, but never a request and never more memory. */
const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024;

/** Writes a text, all of it, without ever blocking; calls back when it has gone or cannot go. */
export type WriteLog = (text: string, done: (error: Error | null | undefined) => void) => void;

export interface LogBufferOptions {
  /** How many lines were dropped since this was last called; called when there is room again. */
  readonly onDropped?: (lines: number) => void;
  /** Default: 4,194,304. */
  readonly maxWaiting?: number;
}

/**
 * Lines on their way to a slow reader. One write is under way at a time, what comes meanwhile waits,
 * and what comes when too much waits is dropped and counted. If the reader has gone, so do the lines.
 */
export class LogBuffer implements DestinationStream {
  readonly #write: WriteLog;
  readonly #maxWaiting: number;
  readonly #idle: (() => void)[] = [];
  /** May be replaced once there is a logger to tell it with. */
  onDropped: (lines: number) => void;
  #waiting = '';
  #underWay = 0;
  #dropped = 0;
  #droppedInAll = 0;
  #broken = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: WriteLog, options: LogBufferOptions = {}) {
    this.#write = write;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING_CHARACTERS;
    this.onDropped = options.onDropped ?? (() => undefined);
  }

  /** Takes one or more whole lines. Never blocks and never throws. */
  write(lines: string): void {
    if (this.#broken) return;
    if (this.#waiting.length + this.#underWay + lines.length > this.#maxWaiting) {
      const count = countLines(lines);
      this.#dropped += count;
      this.#droppedInAll += count;
      return;
    }
    this.#waiting += lines;
    if (this.#underWay > 0) return;
    if (this.#waiting.length >= FLUSH_AT_CHARACTERS) this.#next();
    else this.#timer ??= setTimeout(() => this.#next(), FLUSH_EVERY_MS).unref();
  }

  /** Writes what waits; calls back when nothing is left, which may be never if nobody reads. */
  flush(done: () => void = () => undefined): void {
    this.#idle.push(done);
    if (this.#underWay === 0) this.#next();
  }

  /** Lines that were dropped so far. */
  get dropped(): number {
    return this.#droppedInAll;
  }

  /** Whether the reader has not taken yet what it was given. */
  get isWriting(): boolean {
    return this.#underWay > 0;
  }

  /** What has not been handed over yet: for a last attempt when the process ends. */
  takeWaiting(): string {
    const waiting = this.#waiting;
    this.#waiting = '';
    return waiting;
  }

  #next(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting === '') {
      for (const done of this.#idle.splice(0)) done();
      return;
    }
    const text = this.takeWaiting();
    this.#underWay = text.length;
    this.#write(text, (error) => {
      this.#underWay = 0;
      if (error) {
        this.#broken = true;
        this.#waiting = '';
      } else if (this.#dropped > 0) {
        const lines = this.#dropped;
        this.#dropped = 0;
        this.onDropped(lines);
      }
      this.#next();
    });
  }
}

/**
 * Standard output without blocking, whatever it is: pipes and sockets by Node's own stream, which
 * waits for them in the event loop; files by its thread pool, in which a pipe that nobody reads would
 * occupy a thread for ever, and keep the process from ending.
 */
export function standardOutput(options: LogBufferOptions = {}): LogBuffer {
  const polled = isPolled(1);
  const buffer = new LogBuffer(polled ? writeToStream : writeToFile, options);
  if (polled) process.stdout.on('error', () => undefined);
  process.on('exit', () => {
    // A reader that is behind is not waited for.
    if (polled && buffer.isWriting) return;
    const last = Buffer.from(buffer.takeWaiting());
    try {
      for (let written = 0; written < last.length; ) written += writeSync(1, last, written);
    } catch {
      // There is nobody left to tell.
    }
  });
  return buffer;
}

function isPolled(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFIFO() || status.isSocket();
  } catch {
    return false;
  }
}

const writeToStream: WriteLog = (text, done) => {
  process.stdout.write(text, done);
};

const writeToFile: WriteLog = (text, done) => {
  const bytes = Buffer.from(text);
  const from = (offset: number): void => {
    write(1, bytes, offset, (error, written) => {
      if (error || offset + written === bytes.length) done(error);
      else from(offset + written);
    });
  };
  from(0);
};

function countLines(lines: string): number {
  let count = 0;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count += 1;
  return count;
}
