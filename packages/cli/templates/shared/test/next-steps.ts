import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Every call of `notImplemented` in a file of `src`, as a list to work through. */
export function nextSteps(file: string): readonly string[] {
  const path = fileURLToPath(new URL(`../src/${file}`, import.meta.url));
  const steps: string[] = [];
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const [, method, promise] = /notImplemented\('(\w+)', '(.*)'\)/.exec(line) ?? [];
    if (method !== undefined) steps.push(`${steps.length + 1}. ${method} (src/${file}:${index + 1}): ${promise}`);
  }
  return steps;
}

/** Fails with the list, and without a stack that would hide it. */
export function expectNoSteps(steps: readonly string[]): void {
  if (steps.length === 0) return;
  const error = new Error('not finished');
  error.stack = [`Not implemented yet; write these, in any order, and run "npm test" again:`, ...steps].join('\n  ');
  throw error;
}
