import { hideSecrets, type Logger } from '@tintype/server';
import { reasonOf } from '../failure.ts';

/** Tells the log why parts could not be closed, each in a line of its own: that keeps no process from its end. */
export function tellUnclosed(logger: Logger, error: unknown): void {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  for (const one of errors) logger.warn(`${hideSecrets(reasonOf(one))}; it ends all the same.`);
}
