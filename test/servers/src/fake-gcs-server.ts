import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGoProgram, type GoProgram, installGoProgram } from './go-program.ts';
import { answers, dataFolder, endProcesses, freePorts, start, until } from './processes.ts';
import { type RunningServer, ServerError, type ServerKind } from './server.ts';

const PROGRAM: GoProgram = {
  name: 'fake-gcs-server',
  version: 'v1.56.1',
  path: 'github.com/fsouza/fake-gcs-server',
  go: '1.26',
};

const FRONT = fileURLToPath(new URL('./gcs-front-process.ts', import.meta.url));

/** Google Cloud Storage's two APIs over a heap of objects in memory, completed by `gcs-front.ts`. */
export const fakeGcsServer: ServerKind = {
  name: 'fake-gcs-server',
  description: `fake-gcs-server ${PROGRAM.version} in memory, metagenerations by a front of ours; from the Go module registry`,

  find: () => findGoProgram(PROGRAM),

  async install(say) {
    if ((await this.find()) === undefined) await installGoProgram(PROGRAM, say);
  },

  async start(): Promise<RunningServer> {
    const command = await this.find();
    if (command === undefined) throw new ServerError('fake-gcs-server is not installed.');
    const [port, frontPort] = await freePorts(2);
    const folder = await dataFolder('fake-gcs-server');
    const log = join(folder, 'log');
    const bare = `http://127.0.0.1:${port}`;
    const endpoint = `http://127.0.0.1:${frontPort}`;
    const where = ['-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`, '-public-host', '127.0.0.1'];
    const children = [
      start(process.execPath, [FRONT, `${frontPort}`, bare], log),
      start(command, [...where, '-backend', 'memory', '-log-level', 'error'], log),
    ];
    const pids = children.flatMap(({ pid }) => pid ?? []);
    const stop = async () => {
      await endProcesses(pids);
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await until('fake-gcs-server', () => answers(bare), children, log);
      await until('the front of fake-gcs-server', () => answers(`${endpoint}/_open-uploads`), children, log);
    } catch (error) {
      await stop();
      throw error;
    }
    return { name: this.name, endpoint, access: { BARE_ENDPOINT: bare }, pids, folder, stop };
  },
};
