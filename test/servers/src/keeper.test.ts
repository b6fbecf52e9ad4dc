import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { identify, isRunning } from './process-identity.ts';
import { endIdentified } from './processes.ts';

/** The first line that it says. */
async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('It has no output.');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return line as string;
}

function started(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test('a server that is starting when the run is killed goes with it, and so does its folder', async () => {
  // A run that is half-way: its server does not answer yet.
  const script = `
    const { keepFromNowOn } = await import(${JSON.stringify(new URL('./keeping.ts', import.meta.url).href)});
    const { dataFolder, start } = await import(${JSON.stringify(new URL('./processes.ts', import.meta.url).href)});
    keepFromNowOn();
    const folder = await dataFolder('keeper');
    const { pid } = start(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], folder + '/log');
    console.log(JSON.stringify({ folder, pid }));
    setInterval(() => {}, 1_000);
  `;
  const run = started(process.execPath, ['--input-type=module', '-e', script]);
  const { folder, pid } = JSON.parse(await firstLine(run)) as { folder: string; pid: number };
  const server = identify(pid);
  if (server === undefined) throw new Error('It does not run.');
  expect(existsSync(folder)).toBe(true);
  run.kill('SIGKILL');
  while (isRunning(server) || existsSync(folder)) await sleep(50);
});

test('another process that has got the id of one that ended is left alone', async () => {
  const child = started(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1_000)']);
  await firstLine(child);
  const now = identify(child.pid ?? 0);
  if (now === undefined) throw new Error('It does not run.');
  await endIdentified([{ pid: now.pid, since: 'before' }]);
  expect([child.signalCode, isRunning(now)]).toEqual([null, true]);
  await endIdentified([now]);
  expect(isRunning(now)).toBe(false);
});

test('a process that has ended, and that nobody asks about, does not run', async ({ skip }) => {
  if (process.platform !== 'linux') return skip('does not apply: looks into /proc');
  // The shell becomes a program that never asks about its child.
  const parent = started('sh', ['-c', 'sleep 0 & echo $!; exec sleep 1000']);
  const pid = Number(await firstLine(parent));
  const state = () => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  while (state() !== 'Z') await sleep(20);
  expect(identify(pid)).toBeUndefined();
  await endIdentified([{ pid, since: 'whenever' }]);
});
