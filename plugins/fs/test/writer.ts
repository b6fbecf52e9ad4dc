/**
 * A process of its own that works on a cache folder until it is killed: run by the tests of what
 * several processes, and dead ones, do to one folder.
 *
 * Arguments: what to do, the folder, the cap in bytes, a seed.
 */
import { FsStorage } from '../src/storage.ts';
import { context, k, meta, putPatiently, whole } from './harness-data.ts';

const [work, root = '', maxBytes = '0', seed = '0'] = process.argv.slice(2);
const storage = new FsStorage({ root, maxBytes: Number(maxBytes), durability: 'process' });
await storage.open();

/** Bodies that tell what they should be: one letter, as often as the metadata says. */
async function overwrite(round: number): Promise<void> {
  const size = [100, 30_000, 400_000][round % 3] ?? 0;
  const letter = 'abcdefghij'[round % 10] ?? '';
  await storage.put(k(`v1/key-${round % 5}`), whole(letter.repeat(size)), meta(`${letter}${size}`), undefined, context);
}

async function increment(): Promise<void> {
  const entry = await storage.get(k('counter'), undefined);
  if (entry?.kind !== 'entry') throw new Error('the counter is missing');
  const next = `${Number(Buffer.from(await entry.body.bytes()).toString()) + 1}`;
  await storage.put(k('counter'), whole(next), meta(), { ifVersion: entry.version }, context);
}

async function isRefused(increment: Promise<void>): Promise<boolean> {
  try {
    await increment;
    return false;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'precondition-failed') return true;
    throw error;
  }
}

process.stdout.write('ready\n');
if (work === 'overwrite') {
  for (let round = Number(seed); ; round += 1) await overwrite(round);
}
if (work === 'count') {
  for (let done = 0; done < 25; ) if (!(await isRefused(increment()))) done += 1;
}
if (work === 'fill') {
  for (let n = 0; n < 200; n += 1) await putPatiently(storage, `fill/${seed}-${n}`, new Uint8Array(15_000));
  await storage.sweep();
}
if (work === 'hang') {
  const endless = async function* () {
    yield new Uint8Array(1_000);
    process.stdout.write('begun\n');
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  };
  const body = { bytes: undefined, size: undefined, replayable: false, stream: endless };
  await storage.put(k('hung'), body, meta(), undefined, context);
}
// `idle` shows that an opened storage alone keeps no process alive.
if (work !== 'idle') await storage.close();
