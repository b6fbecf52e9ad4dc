import { expect, test } from 'vitest';
import { CopyTrust } from './copy-trust.ts';

test('a copy is in doubt from a write until it was deleted or overwritten', () => {
  const trust = new CopyTrust();
  expect(trust.trusts('k', '')).toBe(true);
  trust.doubt('k');
  expect([trust.trusts('k', ''), trust.trusts('other', '')]).toEqual([false, true]);
  trust.settle('k');
  expect(trust.trusts('k', '')).toBe(true);
});

test('of more keys in doubt than it remembers, it doubts every copy made so far, and trusts those made then', () => {
  const trust = new CopyTrust();
  const before = trust.generation;
  for (let index = 0; index <= 10_000; index++) trust.doubt(`k${index}`);
  expect(trust.generation).not.toBe(before);
  expect([trust.trusts('k0', before), trust.trusts('other', before)]).toEqual([false, false]);
  expect([trust.trusts('k0', trust.generation), trust.trusts('k10000', trust.generation)]).toEqual([true, false]);
});

test('what was given up stays in doubt, however often it is settled meanwhile, and still when it has ended', async () => {
  const trust = new CopyTrust();
  const gate = Promise.withResolvers<void>();
  const other = Promise.withResolvers<void>();
  trust.haunt('k', gate.promise);
  trust.haunt('k', other.promise);
  trust.settle('k');
  gate.resolve();
  await gate.promise;
  trust.settle('k');
  expect([trust.trusts('k', ''), trust.isHaunted('k')]).toEqual([false, true]);
  other.reject(new Error('aborted'));
  await other.promise.catch(() => undefined);
  expect([trust.trusts('k', ''), trust.isHaunted('k'), trust.haunted]).toEqual([false, false, 0]);
  trust.settle('k');
  expect(trust.trusts('k', '')).toBe(true);
});
