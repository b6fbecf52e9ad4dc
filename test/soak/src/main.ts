// npm run soak [-- part …] [--share 0.1] [--jobs 2] [--seed text] [--report path] [--resume path]
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Part } from './part.ts';
import { kills } from './parts/kills.ts';
import { fsMutation, memoryMutation } from './parts/mutation.ts';
import { profile } from './parts/profile.ts';
import { seeds } from './parts/seeds.ts';
import { serveKills } from './parts/serve-kills.ts';
import { zoo } from './parts/zoo.ts';
import { type Ran, reportOf } from './report.ts';

const parts: readonly Part[] = [seeds, zoo, memoryMutation, fsMutation, kills, serveKills, profile];

const today = new Date().toISOString().slice(0, 10);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    share: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string', default: today },
    resume: { type: 'string' },
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
if (unknown.length > 0 || !(share > 0 && share <= 1) || !Number.isInteger(jobs) || jobs < 1) {
  console.error(
    'Usage: npm run soak -- [part …] [--share 0.1] [--jobs 2] [--seed text] [--report path] [--resume path]\n\n' +
      'Without parts all of them run; --share runs a part of each, and the report says so.\n\n' +
      parts.map(({ name, title, minutes }) => `  ${name.padEnd(16)} ${title} (about ${minutes} min)`).join('\n'),
  );
  process.exit(2);
}

const startedAt = new Date();
const elapsed = () => `${((Date.now() - startedAt.getTime()) / 60_000).toFixed(1).padStart(6)} min`;
const progress = (line: string) => console.log(`${elapsed()}  ${line}`);
const minutes = chosen.reduce((sum, part) => sum + part.minutes * share, 0);
progress(`${chosen.map(({ name }) => name).join(', ')}: about ${Math.ceil(minutes)} min on two idle cores`);

const ran: Ran[] = [];
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
    progress: (line: string) => progress(`${part.name}: ${line}`),
  };
  try {
    ran.push({ part, ms: 0, ...(await part.run(soak)) });
  } catch (error) {
    const summary = `It could not be finished: ${error instanceof Error ? error.message : String(error)}`;
    ran.push({ part, ms: 0, ok: false, summary, details: [], omitted: ['What came after that.'] });
  }
  const last = ran.at(-1) as Ran;
  ran[ran.length - 1] = { ...last, ms: performance.now() - began };
  progress(`${part.name}: ${last.ok ? 'ok' : 'FAILED'}: ${last.summary}`);
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  // Written after each part: a run that is broken off has a report of what it did.
  await mkdir(dirname(values.report), { recursive: true });
  const notRun = parts.filter((each) => !ran.some(({ part: done }) => done === each));
  await writeFile(values.report, reportOf({ startedAt, seed: values.seed, share, jobs, ran, notRun }));
}
progress(`report: ${values.report}`);
process.exitCode = ran.every(({ ok }) => ok) ? 0 : 1;
// A fault that hangs may have left something under way; nothing is waited for any more.
process.exit();
