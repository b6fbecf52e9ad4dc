import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answers, endProcesses, onFreePorts, start, until } from './processes.ts';
import { ServerError } from './server.ts';

/** Runs a program that is to serve at `port`, with the log of its own. */
async function program(script: string, port: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-program-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const log = join(folder, 'log');
  const child = start(process.execPath, ['-e', script, `${port}`], log);
  onTestFinished(() => endProcesses(child.pid === undefined ? [] : [child.pid]));
  await until('The program', () => answers(`http://127.0.0.1:${port}/`), [child], log);
}

const SERVES =
  "require('node:http').createServer((_, response) => response.end()).listen(Number(process.argv[1]), '127.0.0.1')";

test('a program whose port another one has taken is started again, with another port', async () => {
  // It answers nothing.
  const taken = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  let starts = 0;
  await onFreePorts(async () => {
    starts += 1;
    if (starts === 2) taken.close();
    await program(SERVES, port);
  });
  expect(starts).toBe(2);
});

test('a start that fails for any other reason fails at once, with what was logged', async () => {
  let starts = 0;
  const failed = onFreePorts(async () => {
    starts += 1;
    await program("console.log('no such database'); process.exit(1)", 1);
  });
  await expect(failed).rejects.toThrow(/^The program ended at once:\nno such database$/);
  await expect(failed).rejects.toBeInstanceOf(ServerError);
  expect(starts).toBe(1);
});
