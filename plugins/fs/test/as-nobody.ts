/**
 * Opens a storage as a user without rights and prints what it says, as JSON: the tests run as root,
 * whom no mode of a folder stops.
 *
 * Arguments: the folder; `open`, `read` or `evict`.
 */
import { FsStorage } from '../src/storage.ts';
import { context, k, meta, putPatiently, whole } from './harness-data.ts';

const [root = '', work] = process.argv.slice(2);
const maxBytes = work === 'evict' ? 10 * 4096 : 0;
const storage = new FsStorage({ root, maxBytes, durability: 'process' });
if (work === 'read') await storage.open();
process.setgid?.(65_534);
process.setuid?.(65_534);

async function outcome(operation: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await operation()) ?? 'nothing';
  } catch (error) {
    return error instanceof Error ? { ...error, message: error.message, cause: undefined } : error;
  }
}

async function evict(): Promise<Record<string, unknown>> {
  await storage.open();
  for (let n = 0; n < 20; n += 1) await putPatiently(storage, `k${n}`, 'x');
  const sweep = await outcome(() => storage.sweep());
  const left: string[] = [];
  for (let n = 0; n < 20; n += 1) if ((await storage.stat(k(`k${n}`))) !== undefined) left.push(`k${n}`);
  return { sweep, left, check: await storage.check() };
}

const said =
  work === 'evict'
    ? await evict()
    : work === 'read'
      ? {
          get: await outcome(() => storage.get(k('secret/a'), undefined)),
          stat: await outcome(() => storage.stat(k('secret/a'))),
          put: await outcome(() => storage.put(k('a'), whole('x'), meta(), undefined, context)),
          list: await outcome(() => Array.fromAsync(storage.list('', undefined, context))),
          check: await outcome(() => storage.check()),
        }
      : { open: await outcome(() => storage.open()) };
process.stdout.write(JSON.stringify(said));
process.exit(0);
