import { StorageError, type Version } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { NOTHING_ASSERTED } from '../engine/outcome.ts';
import type { RunnerContext } from '../engine/runner.ts';
import { CappedReference } from '../zoo/capped-reference.ts';
import { examine, failedIds } from '../zoo/examine.ts';
import { storageFaults } from '../zoo/faults.ts';
import { ReferenceStorage } from '../zoo/reference-storage.ts';
import { referenceSubject } from '../zoo/reference-subject.ts';
import { soundVariants } from '../zoo/sound-variants.ts';
import { expect as holds, type StorageTest } from './env.ts';
import type { StorageSubject } from './harness.ts';
import { StorageRun } from './run.ts';
import { storageConformance } from './storage-conformance.ts';
import { storageTests } from './tests/all.ts';

async function outcomeOf(run: StorageTest['run'], subject: () => StorageSubject = () => referenceSubject()) {
  const whole = new StorageRun({ create: subject });
  const { outcome } = await whole.run({ requirement: 'get.bytes-are-exact', title: 'made up', run });
  await whole.finish();
  return outcome;
}

describe('a test', () => {
  test('that looks at nothing is inconclusive', async () => {
    expect(await outcomeOf(async () => {})).toEqual({ kind: 'inconclusive', reason: NOTHING_ASSERTED });
  });

  test('that looks only at what it presupposes is inconclusive', async () => {
    const run: StorageTest['run'] = async (env) => {
      await Promise.all([env.given(env.key('a'), new Uint8Array(1)), env.given(env.key('b'), new Uint8Array(1))]);
    };
    expect(await outcomeOf(run)).toEqual({ kind: 'inconclusive', reason: NOTHING_ASSERTED });
  });

  test('that looks passes', async () => {
    expect(await outcomeOf(async () => holds(true, ''))).toEqual({ kind: 'pass' });
  });
});

test('a hook that is missing, or half there, is named', async () => {
  const half: StorageSubject = { adapter: new ReferenceStorage(), sabotage: { truncate: async () => {} } };
  const results = await examine({ create: () => half }, { budget: 1, only: ['errors.damage', 'errors.failure'] });
  expect(results.map(({ outcome }) => ('reason' in outcome ? outcome.reason : outcome.kind))).toEqual([
    'the harness has no `sabotage.unreadable`',
    'the harness has no `sabotage.flipByte`',
    'pass',
    'pass',
    'the harness has no `sabotage.damages`',
    'the harness has no `sabotage.damages`',
  ]);
});

test('what a harness made goes also when its storage cannot be opened', async () => {
  const ended: string[] = [];
  class Closed extends ReferenceStorage {
    override async open(): Promise<void> {
      throw new StorageError({ code: 'unavailable', message: 'Not now.' });
    }
    override async close(): Promise<void> {
      ended.push('close');
    }
  }
  const create = (): StorageSubject => ({ adapter: new Closed(), dispose: () => void ended.push('dispose') });
  const run = new StorageRun({ create });
  await expect(run.shared()).rejects.toThrow('Not now.');
  await run.finish();
  expect(ended).toEqual(['close', 'dispose']);
});

test('an adapter without a sibling that begins I/O when it is made is not called idle', async () => {
  class Hasty extends ReferenceStorage {
    readonly #timer = setInterval(() => undefined, 60_000);
    override async close(): Promise<void> {
      clearInterval(this.#timer);
      await super.close();
    }
  }
  const made: Hasty[] = [];
  const outcomeWith = async (make: () => ReferenceStorage) => {
    const create = (): StorageSubject => ({ adapter: make() });
    const results = await examine({ create }, { budget: 1, only: ['lifecycle.construction-is-idle'] });
    return results.map(({ outcome }) => outcome.kind);
  };
  expect(await outcomeWith(() => new ReferenceStorage())).toEqual(['pass']);
  const hasty = () => {
    const one = new Hasty();
    made.push(one);
    return one;
  };
  expect(await outcomeWith(hasty)).toEqual(['skipped']);
  for (const one of made) await one.close();
});

test('what a harness is without does not apply', async () => {
  const create = (): StorageSubject => ({ adapter: new ReferenceStorage(), without: { network: 'it has no server' } });
  const results = await examine({ create }, { budget: 1, only: ['errors.throttling', 'conditions.create-undeclared'] });
  expect(results.map(({ outcome }) => ('reason' in outcome ? outcome.reason : outcome.kind))).toEqual([
    'does not apply: conditionalCreate is declared',
    'does not apply: it has no server',
  ]);
});

describe('a storage with a limit that says it has no room', () => {
  const noSpace = () => new StorageError({ code: 'no-space', message: 'It is not emptied as fast as it is filled.' });
  const harnessOf = (hasRoom: (put: number) => boolean, operationTimeoutMs?: number) => ({
    ...(operationTimeoutMs !== undefined && { operationTimeoutMs }),
    create: (): StorageSubject => ({
      ...referenceSubject(),
      capped: (maxBytes) => {
        let puts = 0;
        class Hesitant extends CappedReference {
          override commit(...entry: Parameters<CappedReference['commit']>): Version {
            puts += 1;
            if (!hasRoom(puts)) throw noSpace();
            return super.commit(...entry);
          }
        }
        return { adapter: new Hesitant(maxBytes) };
      },
    }),
  });

  test('is given time', async () => {
    const results = await examine(
      harnessOf((put) => put % 7 < 5),
      { budget: 1, only: ['eviction'] },
    );
    expect(failedIds(results)).toEqual([]);
    expect(results.filter(({ outcome }) => outcome.kind === 'pass').length).toBeGreaterThan(5);
  });

  test('but not for ever', async () => {
    const results = await examine(
      harnessOf((put) => put < 20, 200),
      { budget: 1, only: ['eviction.takes-what-is-new'] },
    );
    expect(failedIds(results)).toEqual(['eviction.takes-what-is-new']);
  });
});

test('how long an eventual store takes to settle is told, and nothing of a strong one', async () => {
  const told = async (name: string) => {
    const variant = soundVariants.find((each) => each.name === name);
    const run = new StorageRun({ create: async () => (await variant?.create()) ?? referenceSubject() }, { budget: 1 });
    for (const each of storageTests.filter(({ requirement }) => requirement === 'put.overwrite-replaces'))
      expect((await run.run(each)).outcome).toEqual({ kind: 'pass' });
    await run.finish();
    return run.settling;
  };
  const eventual = await told('an eventual one');
  expect(eventual.waits).toBeGreaterThan(3);
  expect(eventual.longestMs).toBeGreaterThan(0);
  expect(await told('the reference')).toEqual({ waits: 0, longestMs: 0 });
});

test('an operator’s prefix is tried without a hook for it', async () => {
  const create = (): StorageSubject => ({ adapter: new ReferenceStorage() });
  const [result] = await examine({ create }, { budget: 1, only: ['keys.operator-prefix-is-not-folded'] });
  expect(result?.outcome).toEqual({ kind: 'pass' });
});

test('a storage that does not open is one failure, told without a stack; the rest is not tried', async () => {
  const shut = storageFaults.find((fault) => fault.name === 'does-not-open');
  if (shut === undefined) throw new Error('The fault is gone.');
  const bodies: ((context: RunnerContext) => Promise<void>)[] = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    test: (_: string, body: (context?: RunnerContext) => Promise<void>) => bodies.push(body),
  };
  storageConformance({ name: 'shut', harness: shut.harness, runner });
  const errors: unknown[] = [];
  const skips: (string | undefined)[] = [];
  for (const body of bodies) await body({ skip: (reason) => skips.push(reason) }).catch((error) => errors.push(error));
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('The driver is not there.') })]);
  expect((errors[0] as Error).stack).not.toMatch(/^\s+at /m);
  expect(new Set(skips)).toEqual(new Set(['not tried: the storage could not be opened']));
  expect(skips.length).toBe(bodies.length - 1);
});

test('a storage that answers nothing is told so once, after the time for one operation', async () => {
  class Silent extends ReferenceStorage {
    override stat(): Promise<never> {
      return new Promise(() => {});
    }
    override async *list(): AsyncGenerator<never, void> {
      await new Promise(() => {});
    }
  }
  const harness = { create: (): StorageSubject => ({ adapter: new Silent() }), operationTimeoutMs: 100 };
  const outcomes = new Set((await examine(harness)).map(({ outcome }) => JSON.stringify(outcome)));
  const reason = 'The storage could not be opened: It never answers: neither list nor stat came back within 100 ms.';
  expect([...outcomes].map((text) => JSON.parse(text))).toEqual([
    { kind: 'fail', problem: reason, details: [] },
    { kind: 'inconclusive', reason },
  ]);
});
