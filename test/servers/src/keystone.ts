import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { installPackages, PYTHON } from './debian.ts';
import { KeystoneAdmin } from './keystone-admin.ts';
import { keystoneConfig, keystoneScript } from './keystone-config.ts';
import {
  answers,
  CACHE,
  dataFolder,
  endProcesses,
  freePorts,
  lastLines,
  onFreePorts,
  run,
  start,
  until,
} from './processes.ts';
import { type RunningServer, ServerError, type ServerKind } from './server.ts';
import { findSwift, SWIFT_PACKAGES, startSwift } from './swift-node.ts';

const MANAGE = '/usr/bin/keystone-manage';
const MIDDLEWARE = '/usr/lib/python3/dist-packages/keystonemiddleware/auth_token/__init__.py';

/** Debian's packages, besides Swift's. `keystone` would bring a service and questions. */
const PACKAGES = ['python3-keystone', 'python3-keystonemiddleware'];

/** A database with its tables, an administrator and keys: what takes ten seconds to make. */
const TEMPLATE = join(CACHE, 'keystone-22');

const REGION = 'RegionOne';
const PASSWORD = 'testing';
const ADMIN = { USERNAME: 'admin', API_KEY: 'admin-of-tests' } as const;

/** OpenStack Swift on one node whose users are Keystone's: the login of version 3. */
export const swiftKeystone: ServerKind = {
  name: 'swift-keystone',
  description: 'OpenStack Swift with Keystone (login of version 3), one node; from Debian packages',

  async find() {
    return existsSync(MANAGE) && existsSync(MIDDLEWARE) && findSwift() !== undefined ? MANAGE : undefined;
  },

  async install(say) {
    if ((await this.find()) === undefined) {
      await installPackages('Keystone', [...SWIFT_PACKAGES, ...PACKAGES], say);
    }
    await makeTemplate();
  },

  async start() {
    if ((await this.find()) === undefined) throw new ServerError('Keystone is not installed.');
    await makeTemplate();
    return { name: this.name, ...(await onFreePorts(startTogether)) };
  },
};

async function startTogether(): Promise<Omit<RunningServer, 'name'>> {
  const [port = 0, swiftPort = 0] = await freePorts(2);
  const url = `http://127.0.0.1:${port}/v3`;
  const keystone = await startKeystone(port);
  // It comes up while Keystone is told of it.
  const starting = startSwift(join(keystone.folder, 'swift'), { kind: 'keystone', url, password: PASSWORD }, swiftPort);
  // Its failure is told below, once Keystone has been told.
  starting.catch(() => undefined);
  try {
    await furnish(url, `http://127.0.0.1:${swiftPort}`).catch(async (error: Error) => {
      const said = await lastLines(join(keystone.folder, 'log'), 40);
      throw new ServerError(`${error.message}\nKeystone said last:\n${said}`);
    });
    const swift = await starting;
    return {
      endpoint: swift.endpoint,
      access: {
        AUTH_URL: url,
        USERNAME: 'photographer',
        API_KEY: PASSWORD,
        TENANT: 'photos',
        REGION,
        // In the same project, and without any right in Swift.
        OTHER_USERNAME: 'guest',
        OTHER_API_KEY: PASSWORD,
        ADMIN_USERNAME: ADMIN.USERNAME,
        ADMIN_API_KEY: ADMIN.API_KEY,
      },
      pids: [...swift.pids, ...keystone.pids],
      folder: keystone.folder,
      async stop() {
        await swift.stop();
        await keystone.stop();
      },
    };
  } catch (error) {
    const swift = await starting.catch(() => undefined);
    await swift?.stop();
    await keystone.stop();
    throw error;
  }
}

async function startKeystone(port: number): Promise<Omit<RunningServer, 'access' | 'name'> & { folder: string }> {
  const folder = await dataFolder('keystone');
  const log = join(folder, 'log');
  await cp(TEMPLATE, folder, { recursive: true });
  await writeFile(join(folder, 'keystone.conf'), keystoneConfig(folder, port));
  const child = start(PYTHON, ['-c', keystoneScript, `${port}`], log, {
    OS_KEYSTONE_CONFIG_DIR: folder,
    OS_KEYSTONE_CONFIG_FILES: 'keystone.conf',
  });
  const pids = child.pid === undefined ? [] : [child.pid];
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await endProcesses(pids);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until('Keystone', () => answers(`${endpoint}/v3`), [child], log);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, pids, folder, stop };
}

/** Users, projects, and where Swift is. */
async function furnish(url: string, swift: string): Promise<void> {
  const admin = await KeystoneAdmin.logIn(url, ADMIN.USERNAME, ADMIN.API_KEY);
  const [service, photos] = [await admin.project('service'), await admin.project('photos')];
  await admin.user('swift', PASSWORD, service, 'admin');
  await admin.user('photographer', PASSWORD, photos, 'member');
  await admin.user('guest', PASSWORD, photos, 'reader');
  await admin.identity(REGION);
  await admin.objectStore(REGION, swift);
}

/** Once for all starts. */
async function makeTemplate(): Promise<void> {
  if (existsSync(TEMPLATE)) return;
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(`${TEMPLATE}.`);
  try {
    for (const name of ['fernet-keys', 'credential-keys']) {
      await mkdir(join(folder, name));
      await chmod(join(folder, name), 0o700);
    }
    const config = join(folder, 'keystone.conf');
    await writeFile(config, keystoneConfig(folder, 0));
    const manage = (...args: readonly string[]) => run(MANAGE, ['--config-file', config, ...args]);
    const { username, gid } = userInfo();
    const owner = ['--keystone-user', username, '--keystone-group', await groupName(gid)];
    await manage('db_sync');
    await manage('fernet_setup', ...owner);
    await manage('credential_setup', ...owner);
    await manage('bootstrap', '--bootstrap-username', ADMIN.USERNAME, '--bootstrap-password', ADMIN.API_KEY);
    await rm(join(folder, 'log'), { force: true });
    await rename(folder, TEMPLATE).catch((error: unknown) => {
      // Another one was quicker.
      if (!existsSync(TEMPLATE)) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function groupName(gid: number): Promise<string> {
  return (await run('getent', ['group', `${gid}`])).split(':')[0] ?? '';
}
