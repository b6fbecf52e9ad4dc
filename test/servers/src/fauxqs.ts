import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, dataFolder, endProcesses, freePorts, start, until } from './processes.ts';
import type { RunningServer, ServerKind } from './server.ts';

const child = fileURLToPath(new URL('./fauxqs-process.ts', import.meta.url));

/** An S3 emulator in memory: for machines that have neither Go nor Debian. It ignores conditions on writes. */
export const fauxqs: ServerKind = {
  name: 'fauxqs',
  description: 'S3 emulator in memory, from npm; no conditional writes, any credentials',

  async find() {
    return fileURLToPath(import.meta.resolve('fauxqs'));
  },

  async install() {},

  async start(): Promise<RunningServer> {
    const [port] = await freePorts(1);
    const folder = await dataFolder('fauxqs');
    const log = join(folder, 'log');
    const process_ = start(process.execPath, [child, `${port}`], log);
    const pids = process_.pid === undefined ? [] : [process_.pid];
    const endpoint = `http://127.0.0.1:${port}`;
    const stop = async () => {
      await endProcesses(pids);
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await until('fauxqs', () => answers(endpoint), [process_], log);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      name: 'fauxqs',
      endpoint,
      access: { REGION: 'us-east-1', ACCESS_KEY_ID: 'any', SECRET_ACCESS_KEY: 'any' },
      pids,
      folder,
      stop,
    };
  },
};
