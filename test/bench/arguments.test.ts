import { expect, test } from 'vitest';
import { readArguments } from './src/arguments.ts';
import { commandOf } from './src/report.ts';

const figures = [{ name: 'hits-memory' }, { name: 'hits-fs' }, { name: 'misses' }];

test.each([
  [['nosuch'], 'There is no benchmark whose name begins with "nosuch".'],
  [['misses', 'nosuch'], 'There is no benchmark whose name begins with "nosuch".'],
  [['--rounds', '0'], '--rounds is "0"; expected a whole number from 1 on, such as 5.'],
  [['--rounds', '2.5'], '--rounds is "2.5"; expected a whole number from 1 on, such as 5.'],
  [['--seconds', 'x'], '--seconds is "x"; expected a number above 0, such as 3.'],
])('%j is wrong, and it says why', (args, problem) => {
  expect(readArguments(args, figures)).toEqual({ problem });
});

test('a flag that there is not is named', () => {
  expect(readArguments(['--round', '3'], figures)).toEqual({ problem: expect.stringContaining("'--round'") });
});

test('names choose, and how they begin; without any all are measured', () => {
  const chosen = [{ name: 'hits-memory' }, { name: 'hits-fs' }];
  expect(readArguments(['hits'], figures)).toEqual({ help: false, json: false, rounds: 5, seconds: 3, chosen });
  expect(readArguments([], figures)).toMatchObject({ chosen: figures });
});

test.each([
  [{ rounds: 5, seconds: 3 }, 'npm run bench -- misses'],
  [{ rounds: 9, seconds: 0.5 }, 'npm run bench -- misses --rounds 9 --seconds 0.5'],
])('the command that measures again is as long: %j', (lengths, command) => {
  expect(commandOf({ name: 'misses' }, lengths)).toBe(command);
});
