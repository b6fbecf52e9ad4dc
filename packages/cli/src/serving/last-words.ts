import process from 'node:process';
import { flushLog, hideSecrets, type Logger } from '@tintype/server';

/** Longest time for the last lines of the log, in milliseconds. */
const FLUSH_MS = 1_000;

/**
 * What nobody caught is a defect, and what the process would do next is anybody's guess: it tells the
 * log, where an operator looks, and ends with 1. Whoever supervises it starts another one: the
 * supervisor of several serving processes, or the service manager of a single one.
 */
export function endOnDefect(logger: Logger): void {
  let ending = false;
  process.on('uncaughtException', (error: unknown, origin) => {
    // One that comes while the log is flushed changes nothing.
    if (ending) return;
    ending = true;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.fatal(
      { err: hideSecrets(stack), origin },
      'An error that nobody caught ends this process with code 1: this is a defect of tintype or of a plugin. Whatever supervises it must start it again.',
    );
    void flushLog(logger, FLUSH_MS).then(() => process.exit(1));
  });
}
