import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { hasFlag, weighing } from './tune-collector.ts';

test.each([
  ['13.5.212.10-node.9', false],
  ['13.6.233.10-node.28', true],
  ['14.6.202.34-node.34', true],
  ['14.8.1', false],
  ['15.0.1', false],
  [undefined, false],
])('V8 %s has the flag: %s', (version, has) => {
  expect(hasFlag(version)).toBe(has);
});

test('while buffers are many V8 goes its own way, and is told of each change once', () => {
  const flags: string[] = [];
  let few = true;
  const look = weighing(
    (flag) => void flags.push(flag),
    () => few,
  );
  look();
  expect(flags).toEqual(['--external-memory-accounted-in-global-limit']);
  few = false;
  look();
  look();
  expect(flags.slice(1)).toEqual(['--no-external-memory-accounted-in-global-limit']);
  few = true;
  look();
  look();
  expect(flags.slice(2)).toEqual(['--external-memory-accounted-in-global-limit']);
});

/** What a process prints that runs these lines after the imports. */
async function printedBy(lines: string, ...options: string[]): Promise<readonly [string, string]> {
  const imports = `import { buffersAreFew, tuneCollector } from ${JSON.stringify(import.meta.resolve('./tune-collector.ts'))};`;
  const program = ['--input-type=module', '-e', `${imports}\n${lines}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...options, ...program]);
  return [stdout, stderr];
}

test('buffers are many when they take more than half of what the heap may', async () => {
  const lines =
    'console.log(buffersAreFew()); const all = Buffer.alloc(512 * 2 ** 20); console.log(buffersAreFew(), all.length);';
  expect(await printedBy(lines, '--max-old-space-size=64')).toEqual(['true\nfalse 536870912\n', '']);
  expect(await printedBy(lines, '--max-old-space-size=4096')).toEqual(['true\ntrue 536870912\n', '']);
});

test('V8 says nothing against it', async () => {
  expect(await printedBy("tuneCollector(); tuneCollector(); console.log('served');")).toEqual(['served\n', '']);
});
