import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Scratch } from './scratch.ts';
import { judgeAll } from './src/mutation/judges.ts';
import { type Mutant, mutantsOf } from './src/mutation/mutate.ts';
import { mutatedSources } from './src/mutation/sources.ts';
import { fits, reasons } from './src/mutation/survivors.ts';
import type { Task, Verdict } from './src/mutation/worker.ts';

const changes = (source: string) =>
  mutantsOf('x.ts', source).map(({ original, replacement }) => `${original} => ${replacement}`);

test('conditions, comparisons, arithmetic and logic are changed', () => {
  expect(changes('if (a < b) { f(); g(); }')).toEqual(
    expect.arrayContaining(['a < b => true', 'a < b => false', 'a < b => a <= b', 'a < b => a >= b', 'f(); => ;']),
  );
  expect(changes('const x = a + 1;')).toEqual(['a + 1 => a - 1']);
  expect(changes('await f();')).toEqual(expect.arrayContaining(['await f() => f()']));
  expect(changes('const x = a ?? b;')).toEqual(['a ?? b => a && b']);
  expect(changes('const x = !a;')).toEqual(['!a => a']);
  expect(changes('a?.b;')).toEqual(expect.arrayContaining(['a?.b => a.b']));
  expect(changes("const x = list.startsWith('k');")).toEqual(
    expect.arrayContaining(['startsWith => endsWith', "'k' => ''"]),
  );
});

test('types, imports, keys and the wording of messages stay', () => {
  expect(changes("import a from 'b';\nexport interface C { d: 'e' | 'f' }\nexport type G = 'h';")).toEqual([]);
  expect(changes("const a: 'b' = c as 'd';")).toEqual([]);
  expect(changes("const a = { 'b-c': d };")).toEqual(["{ 'b-c': d } => {}"]);
  expect(changes("const a = { message: b + 'c' };")).toEqual(["{ message: b + 'c' } => {}"]);
});

test('every reason to survive still fits a mutant of the sources as they are', async () => {
  for (const adapter of ['memory', 'fs'] as const) {
    const mutants = [...(await mutatedSources(adapter))].flatMap(([file, { text }]) => {
      const lines = text.split('\n');
      return mutantsOf(file, text).map((mutant) => ({ mutant, line: lines[mutant.line - 1]?.trim() ?? '' }));
    });
    const stale = reasons[adapter].filter((rule) => !mutants.some(({ mutant, line }) => fits(rule, mutant, line)));
    expect(stale.map(({ file, line, change }) => `${adapter}/${file} ${line} ${change ?? ''}`)).toEqual([]);
  }
});

const url = new URL('../../plugins/memory/src/storage.ts', import.meta.url);

/** Judges one change of the memory storage, or none. */
async function judge(scratch: string, original?: string, replacement = ''): Promise<Verdict> {
  const source = await readFile(url, 'utf8');
  const start = original === undefined ? 0 : source.indexOf(original);
  expect(start).toBeGreaterThanOrEqual(0);
  const mutant: Mutant | undefined =
    original === undefined
      ? undefined
      : {
          file: 'storage.ts',
          line: 0,
          operator: '',
          isStandard: true,
          start,
          end: start + original.length,
          original,
          replacement,
        };
  const task: Task = {
    id: 1,
    adapter: 'memory',
    mutant: mutant && { ...mutant, path: url.pathname },
    scratch,
    first: [],
    seed: 'test',
  };
  const verdicts: Verdict[] = [];
  await judgeAll([task], 1, (verdict) => verdicts.push(verdict));
  expect(verdicts).toHaveLength(1);
  return verdicts[0] as Verdict;
}

test('the suite lets an adapter pass as it is, and notices a change of it without touching its file', async () => {
  await using scratch = await Scratch.make();
  const before = await readFile(url, 'utf8');
  expect((await judge(scratch.path)).killedBy).toBeUndefined();
  expect(await judge(scratch.path, 'part.last + 1', 'part.last - 1')).toMatchObject({
    killedBy: expect.stringContaining('range'),
  });
  // What ends the process counts, and so does what cannot be loaded.
  expect(await judge(scratch.path, 'this.#maxBytes = bounded', 'process.exit(0)')).toMatchObject({
    killedBy: '(the process crashed)',
  });
  expect(await judge(scratch.path, 'this.#maxBytes = bounded', '(')).toMatchObject({
    killedBy: '(it cannot be loaded)',
  });
  expect(await readFile(url, 'utf8')).toBe(before);
}, 300_000);
