#!/usr/bin/env node
// An older Node can't load what follows, and would say so with a stack trace about modules.
import process from 'node:process';

const { node } = process.versions;
if (Number.parseInt(node, 10) >= 24) await import('../dist/main.js');
else {
  process.stderr.write(`tintype needs Node.js 24 or newer, and this is ${node}.\n`);
  process.exitCode = 2;
}
