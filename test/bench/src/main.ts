// npm run bench [-- name …] [--json] [--rounds 5] [--seconds 3]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isWrong, readArguments } from './arguments.ts';
import type { Bench } from './figure.ts';
import { figures } from './figures.ts';
import { makeInputs } from './inputs.ts';
import { asJson, type Measured, printTable } from './report.ts';

const given = readArguments(process.argv.slice(2), figures);
if (isWrong(given) || given.help) {
  const say = isWrong(given) ? console.error : console.log;
  say(
    `${isWrong(given) ? `${given.problem}\n\n` : ''}` +
      'Usage: npm run bench -- [name …] [--json] [--rounds 5] [--seconds 3]\n\n' +
      `Names, or how they begin:\n${figures.map(({ name, title }) => `  ${name.padEnd(22)} ${title}`).join('\n')}`,
  );
  process.exit(isWrong(given) ? 2 : 0);
}
const { chosen, json, rounds, seconds } = given;

const scratch = await mkdtemp(join(tmpdir(), 'tintype-bench-'));
const startedAt = performance.now();
const progress = (line: string) =>
  console.error(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${line}`);

const measured: Measured[] = [];
try {
  progress('making the pictures');
  const inputs = await makeInputs(await mkdtemp(join(scratch, 'sources-')));
  for (const figure of chosen) {
    const folders: string[] = [];
    const bench: Bench = {
      rounds,
      seconds,
      inputs,
      progress: (line) => progress(`${figure.name}: ${line}`),
      async folder() {
        const folder = await mkdtemp(join(scratch, 'work-'));
        folders.push(folder);
        return folder;
      },
    };
    try {
      measured.push({ figure, results: await figure.measure(bench) });
    } catch (error) {
      measured.push({
        figure,
        results: [],
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
if (json) console.log(asJson(measured, { rounds, seconds }));
else printTable(measured, { rounds, seconds });
// A figure that misses its bar is a finding, not a failure: the machine decides with. One that could not be measured is.
process.exitCode = measured.some(({ error }) => error !== undefined) ? 1 : 0;
