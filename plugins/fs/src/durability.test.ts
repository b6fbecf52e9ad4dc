import { open, readlink, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { context, k, openStorage, put, streamed, temporaryFolder } from '../test/harness.ts';
import { meta } from '../test/harness-data.ts';

interface Handle {
  readonly fd: number;
}

/**
 * What is flushed to the disk from now on, and whether the entry stood under its name at that moment. What
 * happens without it only a loss of power would show.
 */
async function flushes(root: string, entry: string): Promise<string[]> {
  const handle = await open(root);
  const prototype: Record<'sync' | 'datasync', (this: Handle) => Promise<void>> = Object.getPrototypeOf(handle);
  await handle.close();
  const seen: string[] = [];
  for (const name of ['sync', 'datasync'] as const) {
    const really = prototype[name];
    const spy = vi.spyOn(prototype, name).mockImplementation(async function (this: Handle) {
      const path = await readlink(`/proc/self/fd/${this.fd}`);
      const file = await stat(path);
      const what = file.isDirectory() ? `folder ${path.slice(root.length)}` : `file of ${file.size}`;
      const isThere = await stat(entry).then(
        () => true,
        () => false,
      );
      seen.push(`${what}, ${isThere ? 'after' : 'before'}`);
      await really.call(this);
    });
    onTestFinished(() => spy.mockRestore());
  }
  return seen;
}

const body = 'x'.repeat(1_000);

test('with durability "power" a file is on the disk before it is an entry, and its name and folders are before a put ends', async () => {
  const storage = await openStorage({ durability: 'power' });
  const entry = join(storage.root, 'a', 'b', 'c@');
  const seen = await flushes(storage.root, entry);
  await put(storage, 'a/b/c', body);
  const { size } = await stat(entry);
  expect(seen).toEqual([`file of ${size}, before`, 'folder /a, before', 'folder , before', 'folder /a/b, after']);

  seen.length = 0;
  const inPieces = streamed(async function* () {
    yield Buffer.from(body);
    yield Buffer.from(body);
  });
  await storage.put(k('a/b/c'), inPieces, meta(), undefined, context);
  expect(seen).toEqual([`file of ${(await stat(entry)).size}, after`, 'folder /a/b, after']);

  seen.length = 0;
  await storage.setMetadata(k('a/b/c'), meta('other'), undefined, context);
  expect(seen).toEqual([`file of ${(await stat(entry)).size}, after`, 'folder /a/b, after']);
});

test('with durability "process" nothing waits for the disk', async () => {
  const storage = await openStorage({ root: join(await temporaryFolder(), 'cache') });
  const seen = await flushes(dirname(storage.root), join(storage.root, 'a@'));
  await put(storage, 'a', body);
  expect(seen).toEqual([]);
});
