import { execFile } from 'node:child_process';
import { parse } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import type { BodyFile } from '@tintype/core';

/** What another process has read: SHA-256 of the file's first bytes in hexadecimal, or why it could not. */
export type ReadElsewhere = { readonly digest: string } | { readonly problem: string };

/** Longest time for all of it, in milliseconds. */
const LONGEST_MS = 60_000;

// Reads at positions, as whoever wants a part does: a pipe is no file.
const PROGRAM = `
const { openSync, readSync } = require('node:fs');
const { createHash } = require('node:crypto');
function read({ path, size }) {
  try {
    const file = openSync(path, 'r');
    const bytes = Buffer.alloc(size);
    for (let filled = 0; filled < size; ) {
      const length = readSync(file, bytes, filled, size - filled, filled);
      if (length === 0) return { problem: 'it has ' + filled + ' bytes instead of ' + size };
      filled += length;
    }
    return { digest: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    return { problem: String(error) };
  }
}
process.stdout.write(JSON.stringify(JSON.parse(process.argv[1]).map(read)));
`;

/** Lets another process of this user read files, one that works in another folder. */
export async function readElsewhere(files: readonly BodyFile[]): Promise<readonly ReadElsewhere[]> {
  const wanted = JSON.stringify(files.map(({ path, size }) => ({ path, size })));
  const options = { cwd: parse(process.cwd()).root, timeout: LONGEST_MS };
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', PROGRAM, '--', wanted], options);
  return JSON.parse(stdout) as readonly ReadElsewhere[];
}
