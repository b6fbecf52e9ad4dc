import { readFileSync } from 'node:fs';

/** Every call of `notImplemented` in these files of the package, as a list to work through. */
export function nextSteps(...files: readonly string[]): readonly string[] {
  const steps: string[] = [];
  for (const file of files) {
    const lines = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const [, method, promise] = /notImplemented\('(\w+)', '(.*)'\)/.exec(line) ?? [];
      if (method !== undefined) steps.push(`${steps.length + 1}. ${method} (${file}:${index + 1}): ${promise}`);
    }
  }
  return steps;
}

/** Fails with the list, and without a stack that would hide it. */
export function expectNoSteps(steps: readonly string[]): void {
  if (steps.length === 0) return;
  const error = new Error('not finished');
  error.stack = ['Not implemented yet; write these, in any order, and run "npm test" again:', ...steps].join('\n  ');
  throw error;
}
