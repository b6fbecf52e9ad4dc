import { expect, test } from 'vitest';
import { Lifecycle } from './lifecycle.ts';

test('what was opened last is closed first, also after parts that cannot be closed, and all of those are named', async () => {
  const lifecycle = new Lifecycle();
  const closed: string[] = [];
  const open = (name: string, failure?: unknown): void =>
    lifecycle.opened(name, async () => {
      closed.push(name);
      if (failure !== undefined) throw failure;
    });
  open('coordinator');
  open('transformer', 'It hangs');
  open('cache', new Error('The file system is mounted read-only (EROFS).'));
  open('pipeline');
  const failure = await lifecycle.close().catch((error: unknown) => error);
  expect(closed).toEqual(['pipeline', 'cache', 'transformer', 'coordinator']);
  expect(failure).toBeInstanceOf(AggregateError);
  expect((failure as AggregateError).message).toBe(
    'The cache could not be closed: The file system is mounted read-only (EROFS). The transformer could not be closed: It hangs.',
  );
  await expect(lifecycle.close()).resolves.toBeUndefined();
});
