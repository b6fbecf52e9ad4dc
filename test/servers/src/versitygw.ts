import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findGoProgram, type GoProgram, installGoProgram } from './go-program.ts';
import { answers, dataFolder, endProcesses, freePorts, start, until } from './processes.ts';
import { type RunningServer, ServerError, type ServerKind } from './server.ts';

const PROGRAM: GoProgram = {
  name: 'versitygw',
  version: 'v1.8.0',
  path: 'github.com/versity/versitygw/cmd/versitygw',
  go: '1.25',
};

/** An S3 server over a folder, with true conditional writes. */
export const versitygw: ServerKind = {
  name: 'versitygw',
  description: `Versity S3 Gateway ${PROGRAM.version} over a folder; from the Go module registry`,

  find: () => findGoProgram(PROGRAM),

  async install(say) {
    if ((await this.find()) === undefined) await installGoProgram(PROGRAM, say);
  },

  async start(): Promise<RunningServer> {
    const command = await this.find();
    if (command === undefined) throw new ServerError('versitygw is not installed.');
    const [port] = await freePorts(1);
    const data = await dataFolder('versitygw');
    const log = join(data, 'log');
    const access = {
      REGION: 'us-east-1',
      ACCESS_KEY_ID: 'tintype',
      SECRET_ACCESS_KEY: 'tintype-secret-of-tests',
    };
    await mkdir(join(data, 'buckets'));
    await mkdir(join(data, 'iam'));
    const endpoint = `http://127.0.0.1:${port}`;
    const args = ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', '--iam-dir', join(data, 'iam')];
    const child = start(command, [...args, 'posix', join(data, 'buckets')], log, {
      ROOT_ACCESS_KEY: access.ACCESS_KEY_ID,
      ROOT_SECRET_KEY: access.SECRET_ACCESS_KEY,
    });
    const pids = child.pid === undefined ? [] : [child.pid];
    const stop = async () => {
      await endProcesses(pids);
      await rm(data, { recursive: true, force: true });
    };
    try {
      await until('versitygw', () => answers(endpoint), [child], log);
    } catch (error) {
      await stop();
      throw error;
    }
    return { name: this.name, endpoint, access, pids, folder: data, stop };
  },
};
