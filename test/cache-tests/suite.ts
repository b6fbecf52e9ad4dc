import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BARE_ENVIRONMENT } from '../../packages/cli/src/bare-environment.fixture.ts';

const SUITE = dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'));
const TINTYPE = fileURLToPath(new URL('../../packages/cli/bin/tintype.js', import.meta.url));
const LOOPBACK_ONLY = new URL('loopback-only.mjs', import.meta.url).href;

/** What the suite says of one test: `true`, or why not (`Assertion`, `Setup`, an error's name) and what it saw. */
export type Outcome = true | readonly [kind: string, message: string];

/** Outcomes by id. */
export type Outcomes = Readonly<Record<string, Outcome>>;

/** Longest time for all of the suite, in milliseconds: it has pauses of three seconds, a hundred tests at a time. */
const SUITE_MS = 240_000;

/** Runs the whole suite against an endpoint with these settings. */
export async function runSuite(endpoint: Readonly<Record<string, unknown>>): Promise<Outcomes> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-cache-tests-'));
  const running: ChildProcess[] = [];
  try {
    const origin = spawn(process.execPath, ['--import', LOOPBACK_ONLY, 'server/server.mjs'], {
      cwd: SUITE,
      env: settings({ protocol: 'http', port: '0', pidfile: join(folder, 'origin.pid') }),
    });
    running.push(origin);
    const originUrl = await said(origin, /Listening on (http:\/\/127\.0\.0\.1:\d+\/)/);

    const config = join(folder, 'tintype.config.mjs');
    await writeFile(
      config,
      `export default ${JSON.stringify({ endpoints: [{ ...endpoint, origins: [originUrl] }] })};\n`,
    );
    const proxy = spawn(process.execPath, [TINTYPE, 'serve'], {
      cwd: folder,
      env: {
        ...BARE_ENVIRONMENT,
        TINTYPE_CONFIG: config,
        TINTYPE_BIND: '127.0.0.1:0',
        TINTYPE_DRAIN_DELAY: '0',
        TINTYPE_LOG_FORMAT: 'json',
      },
    });
    running.push(proxy);
    const proxyUrl = await said(proxy, /Serving on (http:\/\/127\.0\.0\.1:\d+)/);
    const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', 'cli.mjs'], {
      cwd: SUITE,
      env: settings({ base: proxyUrl, id: '' }),
      timeout: SUITE_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Outcomes;
  } finally {
    for (const child of running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  }
}

/** The suite reads its settings as npm hands them to a script. */
function settings(values: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH };
  for (const [name, value] of Object.entries(values)) {
    env[`npm_config_${name}`] = value;
    env[`npm_package_config_${name}`] = value;
  }
  return env;
}

/** What stands in the parentheses of `pattern`, as soon as a process has written it. */
async function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const listen = (chunk: Buffer) => {
    text += chunk;
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) resolve(found);
  };
  // Read to its end: a full pipe would stop it.
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`It ended with ${code} before it said ${pattern}:\n${text}`)));
  return promise;
}
