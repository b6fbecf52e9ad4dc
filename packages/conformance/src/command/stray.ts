import { describeError } from '../engine/outcome.ts';

/** Where a run is, for a message: the storage and the test. */
export type Whereabouts = () => string;

/**
 * Watches for what no test can catch: a storage that ends the process, or throws where nobody waits for it. A run that
 * ends so has proven nothing, and must not look as if it had.
 *
 * @returns how to end the watch.
 */
export function watchForStrays(stderr: { write(text: string): unknown }, where: Whereabouts): () => void {
  const ended = () => {
    stderr.write(`${where()} the process was ended, by process.exit or the like; a storage must not do that.\n`);
    process.exitCode = 2;
  };
  const thrown = (error: unknown) => {
    stop();
    const [first = ''] = describeError(error).split('\n');
    stderr.write(`${where()} it threw where nobody waits for it: ${first.replace(/\.$/, '')}.\n`);
    process.exit(2);
  };
  const stop = () => {
    process.off('exit', ended);
    process.off('uncaughtException', thrown);
    process.off('unhandledRejection', thrown);
  };
  process.on('exit', ended);
  process.on('uncaughtException', thrown);
  process.on('unhandledRejection', thrown);
  return stop;
}
