import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pages, snippet, withSnippets } from '../../scripts/snippets.mjs';
import { root } from '../../scripts/workspace.mjs';

const read = (file: string) => readFileSync(join(root, file), 'utf8');

test.each(pages)('%s shows the code as it is; if not, node scripts/snippets.mjs writes it anew', (page) => {
  const text = read(page);
  expect(text).toBe(withSnippets(text));
});

test('no block of TypeScript in the tutorial was written by hand', () => {
  const text = read('docs/write-a-storage.md');
  expect(text.match(/^```ts$/gm)?.length).toBe(text.match(/^<!-- from .* -->\n```ts$/gm)?.length);
});

test('the tutorial shows the example from its first line to its last', () => {
  const shown = new Set(
    read('docs/write-a-storage.md')
      .split('\n')
      .map((line) => line.trim()),
  );
  for (const folder of ['src', 'test']) {
    for (const name of readdirSync(join(root, 'examples/sqlite-storage', folder))) {
      const code = read(`examples/sqlite-storage/${folder}/${name}`)
        // Imports and the head of the class are what an editor and the scaffold write.
        .replaceAll(/^import [\s\S]*?;$/gm, '')
        .replace(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/\nexport class .*\{$/m, '');
      const missing = code.split('\n').filter((line) => !shown.has(line.trim()));
      expect(missing, name).toEqual([]);
    }
  }
});

describe('a block of code is found by how its declaration begins', () => {
  const storage = 'examples/sqlite-storage/src/storage.ts';

  test('with the comment above it and all of its lines, moved to the left', () => {
    expect(snippet(storage, 'async close')).toBe(
      'async close(): Promise<void> {\n  this.#db?.close();\n  this.#db = undefined;\n}',
    );
    expect(snippet(storage, 'const LISTED_AT_ONCE')).toMatch(/^const LISTED_AT_ONCE = \d+;$/);
    expect(snippet(storage, 'async function readAll')).toMatch(/^\/\*\* .* \*\/\nasync function readAll[\s\S]*\n\}$/);
  });

  test('a signature of several lines does not end it', () => {
    expect(snippet(storage, 'async put(')).toMatch(/^async put\(\n {2}key[\s\S]*\): Promise<Version> \{\n[\s\S]*\n\}$/);
  });

  test('a beginning that is gone, or is not the only one, is an error that names it', () => {
    expect(() => snippet(storage, 'async gone(')).toThrow(`${storage}: 0 lines begin with "async gone("`);
    expect(() => snippet(storage, 'async ')).toThrow(/storage\.ts: \d+ lines begin with "async "/);
  });
});
