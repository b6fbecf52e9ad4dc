import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findGo } from './go.ts';
import {
  answers,
  CACHE,
  dataFolder,
  endProcesses,
  freePorts,
  isExecutable,
  onPath,
  run,
  start,
  until,
} from './processes.ts';
import { type RunningServer, ServerError, type ServerKind } from './server.ts';

const VERSION = 'v1.8.0';
const PACKAGE = 'github.com/versity/versitygw/cmd/versitygw';
/** What its module file asks for. */
const GO = '1.25';

const folder = join(CACHE, `versitygw-${VERSION}`);
const binary = join(folder, 'versitygw');

/** An S3 server over a folder, with true conditional writes. */
export const versitygw: ServerKind = {
  name: 'versitygw',
  description: `Versity S3 Gateway ${VERSION} over a folder; from the Go module registry`,

  async find() {
    if (await isExecutable(binary)) return binary;
    return onPath('versitygw');
  },

  async install(say) {
    if ((await this.find()) !== undefined) return;
    const go = await findGo(GO, say);
    say(`building ${PACKAGE}@${VERSION}`);
    const building = `${folder}.${process.pid}`;
    await mkdir(building, { recursive: true });
    try {
      const env = { ...go.env, GOBIN: building, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' };
      await run(go.command, ['install', '-ldflags=-s -w', `${PACKAGE}@${VERSION}`], env);
      await rm(folder, { recursive: true, force: true });
      await rename(building, folder);
    } finally {
      await rm(building, { recursive: true, force: true });
    }
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
