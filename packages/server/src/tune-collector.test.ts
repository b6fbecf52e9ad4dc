import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { hasFlag } from './tune-collector.ts';

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

test('V8 says nothing against it', async () => {
  const program = `import { tuneCollector } from ${JSON.stringify(import.meta.resolve('./tune-collector.ts'))}; tuneCollector(); tuneCollector(); console.log('served');`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  expect([stdout, stderr]).toEqual(['served\n', '']);
});
