// Code in pages is taken from files: node scripts/snippets.mjs writes it anew.
//
// A block is preceded by a line that says where it comes from: a whole file, or a declaration by the
// text that its line begins with; several are joined.
//
//   <!-- from examples/x/src/storage.ts -->
//   <!-- from examples/x/src/storage.ts: async put( | function readAll -->

import { readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import process from 'node:process';
import { root } from './workspace.mjs';

/** Pages with such blocks. */
export const pages = ['docs/write-a-storage.md'];

const BLOCK = /^<!-- from (\S+?)(?:: (.+))? -->\n```(\w*)\n[\s\S]*?^```$/gm;

const indentOf = (/** @type {string} */ line) => line.length - line.trimStart().length;

/**
 * The declaration whose line begins with `start`, with the comment above it, moved to the left.
 * @param {readonly string[]} lines
 * @param {string} start
 */
function declaration(lines, start) {
  const found = lines.flatMap((line, index) => (line.trimStart().startsWith(start) ? [index] : []));
  const [at] = found;
  if (at === undefined || found.length > 1)
    throw new Error(`${found.length} lines begin with ${JSON.stringify(start)}`);
  const indent = indentOf(lines[at] ?? '');
  const isComment = (/** @type {number} */ index) => /^\s*(\/\/|\/?\*)/.test(lines[index] ?? '');
  let first = at;
  while (isComment(first - 1)) first--;
  let last = at;
  // Ends where a line of this indentation closes what was opened, and opens nothing again.
  const isOpen = (/** @type {string} */ line) => /[{([`]$/.test(line) || !/^[})\]`]/.test(line.trimStart());
  if (!/[;,]$/.test(lines[at] ?? '')) {
    do last++;
    while (
      last < lines.length &&
      (indentOf(lines[last] ?? '') !== indent || lines[last] === '' || isOpen(lines[last] ?? ''))
    );
  }
  return {
    first,
    last,
    text: lines
      .slice(first, last + 1)
      .map((line) => line.slice(indent))
      .join('\n'),
  };
}

/**
 * What a block shows.
 * @param {string} file relative to the root
 * @param {string} [starts] separated by ` | `
 */
export function snippet(file, starts) {
  const text = readFileSync(join(root, file), 'utf8').trimEnd();
  if (starts === undefined) return text;
  const lines = text.split('\n');
  try {
    const parts = starts.split(' | ').map((start) => declaration(lines, start));
    // Neighbours stay neighbours.
    const gap = (/** @type {number} */ index) =>
      parts[index - 1]?.last === (parts[index]?.first ?? 0) - 1 ? '\n' : '\n\n';
    return parts.map(({ text }, index) => (index === 0 ? text : gap(index) + text)).join('');
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/** The page with its blocks as they should be. */
export function withSnippets(/** @type {string} */ page) {
  return page.replaceAll(BLOCK, (_, file, starts, language) => {
    const head = starts === undefined ? file : `${file}: ${starts}`;
    const name = language || extname(file).slice(1);
    return `<!-- from ${head} -->\n\`\`\`${name}\n${snippet(file, starts)}\n\`\`\``;
  });
}

if (process.argv[1] === import.meta.filename) {
  for (const page of pages) {
    const path = join(root, page);
    writeFileSync(path, withSnippets(readFileSync(path, 'utf8')));
  }
}
