import process from 'node:process';
import { run } from './run.ts';

// Whoever reads the output may stop reading: `tintype config | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const argv = process.argv.slice(2);

// The one place where the environment is read.
process.exitCode = await run(argv, {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
});

// A storage that never answered, or was not closed, holds sockets and timers that would keep this process for ever.
// What was written goes out first: whoever reads it may be slow.
if (argv[0] === 'conformance') process.stdout.write('', () => process.stderr.write('', () => process.exit()));
