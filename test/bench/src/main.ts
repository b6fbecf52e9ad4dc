// npm run bench [-- name …] [--json] [--rounds 5] [--seconds 3]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './figure.ts';
import { figures } from './figures.ts';
import { makeInputs } from './inputs.ts';
import { asJson, type Measured, printTable } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
  },
});

const chosen = figures.filter(
  ({ name }) => positionals.length === 0 || positionals.some((wanted) => name === wanted || name.startsWith(wanted)),
);
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
if (values.help || chosen.length === 0 || !Number.isInteger(rounds) || rounds < 1 || !(seconds > 0)) {
  const say = values.help ? console.log : console.error;
  say(
    'Usage: npm run bench -- [name …] [--json] [--rounds 5] [--seconds 3]\n\n' +
      `Names, or how they begin:\n${figures.map(({ name, title }) => `  ${name.padEnd(22)} ${title}`).join('\n')}`,
  );
  process.exit(values.help ? 0 : 2);
}

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
if (values.json) console.log(asJson(measured, { rounds, seconds }));
else printTable(measured);
// A figure that misses its bar is a finding, not a failure: the machine decides with. One that could not be measured is.
process.exitCode = measured.some(({ error }) => error !== undefined) ? 1 : 0;
