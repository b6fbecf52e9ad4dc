import process from 'node:process';
import { run } from './run.ts';

// The one place where the environment is read.
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
});
