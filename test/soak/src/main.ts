// npm run soak [-- part …] [--share 0.1] [--jobs 2] [--seed text] [--report path] [--results path] [--resume path] [--only name …] [--failures folder]
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Part } from './part.ts';
import { cap } from './parts/cap.ts';
import { hang } from './parts/hang.ts';
import { kills } from './parts/kills.ts';
import { fsMutation, memoryMutation } from './parts/mutation.ts';
import { profile } from './parts/profile.ts';
import { restarts } from './parts/restarts.ts';
import { seeds } from './parts/seeds.ts';
import { serveKills } from './parts/serve-kills.ts';
import { zoo } from './parts/zoo.ts';
import { commit, type Ran, reportOf } from './report.ts';
import { whyNotWritable } from './writable.ts';
import { whatIsWrong } from './wrong-arguments.ts';

const parts: readonly Part[] = [
  seeds,
  zoo,
  memoryMutation,
  fsMutation,
  kills,
  serveKills,
  restarts,
  cap,
  hang,
  profile,
];

const today = new Date().toISOString().slice(0, 10);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    share: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string', default: today },
    resume: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    failures: { type: 'string' },
    results: { type: 'string' },
    report: {
      type: 'string',
      default: fileURLToPath(new URL(`../../../docs/reports/${today}-soak.md`, import.meta.url)),
    },
  },
});

/** `mutation` means `mutation-memory` and `mutation-fs`. */
const isMeant = (wanted: string) => (part: Part) => part.name === wanted || part.name.startsWith(`${wanted}-`);
const unknown = positionals.filter((name) => !parts.some(isMeant(name)));
const chosen = parts.filter((part) => positionals.length === 0 || positionals.some((name) => isMeant(name)(part)));
const share = Number(values.share);
const jobs = Number(values.jobs);
const wrong = values.help ? undefined : whatIsWrong({ unknown, share: values.share, jobs: values.jobs });
if (values.help || wrong !== undefined) {
  const say = values.help ? console.log : console.error;
  say(
    `${wrong === undefined ? '' : `${wrong}\n\n`}` +
      'Usage: npm run soak -- [part …] [--share 0.1] [--jobs 2] [--seed text] [--report path] [--results path] [--resume path]\n' +
      '                       [--only name …] [--failures folder]\n\n' +
      'Without parts all of them run; --share runs a part of each, and the report says so.\n' +
      '--results keeps what each part found, so that parts that run one at a time make one report.\n' +
      '--only takes the storages of `seeds`, the faults of `zoo`, the files of `mutation` that begin with one of these.\n' +
      '--failures keeps the whole result of a run of the suite that failed.\n\n' +
      parts.map(({ name, title, minutes }) => `  ${name.padEnd(16)} ${title} (about ${minutes} min)`).join('\n'),
  );
  process.exit(values.help ? 0 : 2);
}

for (const flag of ['report', 'results'] as const) {
  const path = values[flag];
  const reason = path === undefined ? undefined : await whyNotWritable(path);
  if (reason === undefined) continue;
  console.error(`--${flag} ${path} can't be written (${reason}); name a file in a folder that can be written to.`);
  process.exit(2);
}

const startedAt = new Date();
const elapsed = () => `${((Date.now() - startedAt.getTime()) / 60_000).toFixed(1).padStart(6)} min`;
const progress = (line: string) => console.log(`${elapsed()}  ${line}`);
const minutes = chosen.reduce((sum, part) => sum + part.minutes * share, 0);
progress(`${chosen.map(({ name }) => name).join(', ')}: about ${Math.ceil(minutes)} min on two idle cores`);

const ran: Ran[] = [];
const before: readonly Ran[] =
  values.results !== undefined && existsSync(values.results) ? JSON.parse(await readFile(values.results, 'utf8')) : [];
const options = [
  share < 1 ? ` --share ${share}` : '',
  ` --jobs ${jobs} --seed ${values.seed}`,
  ...values.only.map((name) => ` --only '${name}'`),
].join('');
for (const part of chosen) {
  const scratch = await mkdtemp(join(tmpdir(), 'tintype-soak-'));
  const began = performance.now();
  progress(`${part.name}: ${part.title}`);
  const soak = {
    scratch,
    jobs,
    seed: values.seed,
    share,
    resume: values.resume,
    only: values.only,
    failures: values.failures,
    progress: (line: string) => progress(`${part.name}: ${line}`),
  };
  const head = commit();
  const partBegan = new Date();
  const result = await part.run(soak).catch((error) => ({
    ok: false,
    summary: `It could not be finished: ${error instanceof Error ? error.message : String(error)}`,
    details: [],
    omitted: ['What came after that.'],
  }));
  const last: Ran = {
    part: part.name,
    ...result,
    ms: performance.now() - began,
    startedAt: partBegan.toISOString(),
    commit: head,
    command: `npm run soak -- ${part.name}${options}`,
    load: loadavg()
      .map((value) => value.toFixed(1))
      .join(', '),
  };
  ran.push(last);
  progress(`${part.name}: ${last.ok ? 'ok' : 'FAILED'}: ${last.summary}`);
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  // Written after each part: a run that is broken off has a report of what it did.
  const all = [...before.filter((each) => !ran.some(({ part: again }) => again === each.part)), ...ran];
  await mkdir(dirname(values.report), { recursive: true });
  await writeFile(values.report, reportOf(today, parts, all));
  if (values.results !== undefined) await writeFile(values.results, JSON.stringify(all));
}
progress(`report: ${values.report}`);
process.exitCode = ran.every(({ ok }) => ok) ? 0 : 1;
// A fault that hangs may have left something under way; nothing is waited for any more.
process.exit();
