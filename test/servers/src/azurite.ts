import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, dataFolder, endProcesses, freePorts, start, until } from './processes.ts';
import type { RunningServer, ServerKind } from './server.ts';

/** An account of its own instead of the one that everybody knows. */
const NAME = 'tintype';
const KEY = Buffer.from('a key of tests').toString('base64');

/** What serves blobs and nothing else. */
function program(): string {
  return fileURLToPath(import.meta.resolve('azurite/dist/src/blob/main.js'));
}

/** Azurite with everything in memory. */
export const azurite: ServerKind = kindOf({
  name: 'azurite',
  description: 'Azurite, blobs only, in memory; from npm',
  persistence: () => ['--inMemoryPersistence'],
});

/** Azurite with everything in files. */
export const azuriteOnDisk: ServerKind = kindOf({
  name: 'azurite-disk',
  description: 'Azurite, blobs only, on disk; from npm',
  persistence: (folder) => ['--location', join(folder, 'blobs')],
});

interface Variant {
  readonly name: string;
  readonly description: string;
  persistence(folder: string): readonly string[];
}

function kindOf({ name, description, persistence }: Variant): ServerKind {
  return {
    name,
    description,

    async find() {
      return program();
    },

    async install() {},

    async start(): Promise<RunningServer> {
      const [port] = await freePorts(1);
      const folder = await dataFolder(name);
      const log = join(folder, 'log');
      const listen = ['--blobHost', '127.0.0.1', '--blobPort', `${port}`];
      // The SDK is newer than the protocol that Azurite says it knows.
      const settings = ['--silent', '--disableTelemetry', '--skipApiVersionCheck', '--disableProductStyleUrl'];
      const child = start(process.execPath, [program(), ...persistence(folder), ...listen, ...settings], log, {
        AZURITE_ACCOUNTS: `${NAME}:${KEY}`,
      });
      const pids = child.pid === undefined ? [] : [child.pid];
      const stop = async () => {
        await endProcesses(pids);
        await rm(folder, { recursive: true, force: true });
      };
      const endpoint = `http://127.0.0.1:${port}/${NAME}`;
      try {
        await until('Azurite', () => answers(endpoint), [child], log);
      } catch (error) {
        await stop();
        throw error;
      }
      return { name, endpoint, access: { NAME, KEY }, pids, folder, stop };
    },
  };
}
