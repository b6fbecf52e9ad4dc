import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Inconclusive } from '../engine/outcome.ts';
import { pause } from '../engine/waiting.ts';
import type { CrashPlan } from './crash-body.ts';

/** What a killed process had said of its puts. */
export interface CrashRecord {
  /** Numbers of puts that had begun, by key. */
  readonly begun: ReadonlyMap<string, ReadonlySet<number>>;
  /** Number of the last put that had resolved, by key; with several writers of a key, of any of them. */
  readonly done: ReadonlyMap<string, number>;
  /** A number that none has used. */
  readonly next: number;
}

const SOURCES = import.meta.url.endsWith('.ts');

/** What has been said before the clock of a kill runs. */
export type KillAfter = 'begin' | 'done';

/**
 * Lets a process put as fast as it can and kills it (SIGKILL) `afterMs` milliseconds after its first
 * put began, or had resolved.
 */
export async function killDuringPuts(plan: CrashPlan, after: KillAfter, afterMs: number): Promise<CrashRecord> {
  const child = spawn(
    process.execPath,
    [
      ...(SOURCES ? ['--conditions=@tintype/source', '--disable-warning=ExperimentalWarning'] : []),
      fileURLToPath(new URL(SOURCES ? './child.ts' : './child.js', import.meta.url)),
      JSON.stringify(plan),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints = (complaints + String(chunk)).slice(-500);
  });
  const begun = new Map<string, Set<number>>();
  const done = new Map<string, number>();
  let next = plan.first;
  const reached = Promise.withResolvers<void>();
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_, signal) => resolve(signal)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [word, key = '', text = ''] = line.split(' ');
    if (word === after) reached.resolve();
    const number = Number(text);
    if (word === 'begin') {
      begun.set(key, (begun.get(key) ?? new Set()).add(number));
      next = Math.max(next, number + 1);
    }
    if (word === 'done') done.set(key, number);
  });
  await Promise.race([reached.promise, exited]);
  await Promise.race([pause(afterMs), exited]);
  child.kill('SIGKILL');
  const signal = await exited;
  if (signal !== 'SIGKILL') throw new Inconclusive(`The process to be killed ended by itself: ${complaints.trim()}`);
  return { begun, done, next };
}
