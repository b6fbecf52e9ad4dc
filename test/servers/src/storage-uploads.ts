import type { Fault, FaultProxy } from '@tintype/conformance';
import { type PutBody, type StorageAdapter, type StoredMetadata, storageKey } from '@tintype/core';
import { describe, expect, onTestFinished, test } from 'vitest';

export const MiB: number = 1024 * 1024;
export const metadata: StoredMetadata = { encoded: 'm', contentType: 'image/tiff' };

const context = { signal: new AbortController().signal };

/** A body of unknown length that comes in pieces of a MiB, each of its number; it ends with `failure` if there is one. */
export function streamed(size: number, failure?: Error): PutBody {
  return {
    bytes: undefined,
    size: undefined,
    replayable: false,
    async *stream() {
      for (let sent = 0; sent < size; sent += MiB) yield new Uint8Array(Math.min(MiB, size - sent)).fill(sent / MiB);
      if (failure !== undefined) throw failure;
    },
  };
}

/** Requests of an upload: by their address, their method, and how many of these go through before. */
interface Requests {
  readonly path: RegExp;
  readonly methods: readonly string[];
  readonly after?: number;
}

/** A server on which uploads of several parts are tried. */
export interface UploadBench {
  storage(more?: { readonly maxSockets?: number }): StorageAdapter;
  /** A storage that is not open yet, and the proxy between it and the server. */
  behindProxy(): Promise<{ readonly storage: StorageAdapter; readonly proxy: FaultProxy }>;
  /** What uploads have left behind: nothing. */
  leftOvers(): Promise<readonly string[]>;
  /** A part that is not the first. */
  readonly part: Requests;
  /** What can happen to an upload. */
  readonly trouble: readonly (readonly [when: string, fault: Fault, requests: Requests])[];
}

/** An open storage behind a proxy that has seen nothing yet. */
export async function openBehindProxy(bench: Pick<UploadBench, 'behindProxy'>): ReturnType<UploadBench['behindProxy']> {
  const { storage, proxy } = await bench.behindProxy();
  onTestFinished(async () => {
    proxy.clear();
    await storage.close();
    await proxy.close();
  });
  await storage.open(context);
  // What opening asked is not of interest.
  (proxy.requests as unknown[]).length = 0;
  return { storage, proxy };
}

/** What holds of every cloud's uploads of bodies above 8 MiB. */
export function testUploads(bench: UploadBench): void {
  const key = storageKey('left');

  describe('leaves nothing behind', () => {
    test.each(bench.trouble)('when %s', async (_when, fault, requests) => {
      const { storage, proxy } = await openBehindProxy(bench);
      proxy.script({ fault, ...requests });
      const put = storage.put(key, streamed(20 * MiB), metadata, undefined, context);
      await expect(put).rejects.toMatchObject({ name: 'StorageError' });
      expect(await bench.leftOvers()).toEqual([]);
      expect(await storage.get(key, undefined, context)).toBeUndefined();
    });

    test('when its body breaks', async () => {
      const { storage } = await openBehindProxy(bench);
      const failure = new Error('the body broke');
      const put = storage.put(key, streamed(12 * MiB, failure), metadata, undefined, context);
      await expect(put).rejects.toBe(failure);
      expect(await bench.leftOvers()).toEqual([]);
      expect(await storage.get(key, undefined, context)).toBeUndefined();
    });

    test('when it is given up', async () => {
      const { storage, proxy } = await openBehindProxy(bench);
      const controller = new AbortController();
      const reason = new Error('gave up');
      proxy.script({ fault: { kind: 'silence' }, ...bench.part });
      const put = storage.put(key, streamed(20 * MiB), metadata, undefined, { signal: controller.signal });
      await expect.poll(() => proxy.requests.map(({ fault }) => fault)).toContain('silence');
      controller.abort(reason);
      await expect(put).rejects.toBe(reason);
      expect(await bench.leftOvers()).toEqual([]);
      expect(await storage.get(key, undefined, context)).toBeUndefined();
    });
  });

  test('a hundred bodies that nobody reads do not keep fifty sockets', async () => {
    const storage = bench.storage({ maxSockets: 50 });
    await storage.open(context);
    onTestFinished(() => storage.close());
    const unread = storageKey('unread');
    await storage.put(unread, streamed(4 * MiB), metadata, undefined, context);
    for (let i = 0; i < 100; i++) {
      const entry = await storage.get(unread, undefined, context);
      if (entry?.kind === 'entry') await entry.body.discard();
    }
    const entry = await storage.get(unread, undefined, context);
    expect(entry?.kind === 'entry' && (await entry.body.bytes()).length).toBe(4 * MiB);
  });
}

/** What holds where a broken upload must be taken back: what failed at that is tried again. */
export function testTakingBack(bench: UploadBench): void {
  test('leaves nothing behind although taking it back fails too: at the latest close does it', async () => {
    const { storage, proxy } = await openBehindProxy(bench);
    proxy.script({ fault: { kind: 'status', status: 500 }, ...bench.part });
    proxy.script({ fault: { kind: 'reset-before' }, methods: ['DELETE'] });
    const put = storage.put(storageKey('left'), streamed(20 * MiB), metadata, undefined, context);
    await expect(put).rejects.toMatchObject({ code: 'unavailable' });
    expect(await bench.leftOvers()).toHaveLength(1);
    proxy.clear();
    await storage.close();
    expect(await bench.leftOvers()).toEqual([]);
  });
}
