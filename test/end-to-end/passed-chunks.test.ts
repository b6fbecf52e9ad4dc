import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { plain, type Rig, startProxy, startWebOrigin, temporaryFolder } from './rig.ts';

const MiB = 1024 * 1024;

/** An image by its first bytes, of which no two blocks are alike, nor like one of another `seed`. */
function large(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; at += 4) bytes.writeUInt32LE(Math.imul(at + seed, 0x9e3779b1) >>> 0, at);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), bytes]);
}

/** How a client reads. */
interface Manner {
  /** Stops to read after so many bytes, */
  readonly stopAfter: number;
  /** until this; then it reads on. */
  readonly goOn?: Promise<unknown>;
}

/** One client with a connection of its own. @returns where what it got differs, and how much it got. */
async function readAs({ base }: Rig, path: string, expected: Buffer, { stopAfter, goOn }: Manner) {
  const asked = request(base + path, { agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let read = 0;
  let stopped = false;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (!chunk.equals(expected.subarray(read, read + chunk.length))) return { differsAfter: read };
    read += chunk.length;
    if (stopped || read < stopAfter) continue;
    stopped = true;
    if (goOn === undefined) break;
    await goOn;
  }
  return { read };
}

test('every reader of large bodies gets the right bytes, whoever else is slow, fast, or goes away', {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder();
  const [first, second] = [large(7 * MiB, 1), large(6 * MiB + 12_345 * 4, 2)] as const;
  const [third, fourth] = [large(5 * MiB, 3), large(5 * MiB, 4)] as const;
  await writeFile(join(folder, 'first.png'), first);
  await writeFile(join(folder, 'second.png'), second);
  // One of them says no length, so that its answer has none either.
  const web = await startWebOrigin(async ({ url }, response) => {
    const fields = { 'content-type': 'image/png', 'cache-control': 'max-age=600' };
    if (url === '/fourth.png') {
      response.writeHead(200, { ...fields, 'content-length': fourth.length }).end(fourth);
      return;
    }
    response.writeHead(200, fields);
    for (let at = 0; at < third.length; at += 100_000) {
      if (!response.write(third.subarray(at, at + 100_000))) await once(response, 'drain');
    }
    response.end();
  });
  const rig = await startProxy({
    localFilesystemRoot: folder,
    allowLoopbackSourceAddresses: true,
    cacheUse: 'fs',
    cacheFsRoot: await temporaryFolder(),
  });
  const sources = [
    ['local:///first.png', first],
    ['local:///second.png', second],
    [`${web.base}/third.png`, third],
    [`${web.base}/fourth.png`, fourth],
  ] as const;

  for (const round of ['as they come', 'from the storage']) {
    const slow: Promise<unknown>[] = [];
    const swift: Promise<unknown>[] = [];
    const wanted: unknown[] = [];
    const gone = Promise.withResolvers<void>();
    for (const [source, bytes] of sources) {
      const path = `/unsafe/raw:1/${plain(source)}`;
      const whole = { read: bytes.length };
      for (const stopAfter of [1, 2 * MiB, 4 * MiB]) {
        slow.push(readAs(rig, path, bytes, { stopAfter, goOn: gone.promise }));
        wanted.push(whole);
      }
      for (let reader = 0; reader < 3; reader++) swift.push(readAs(rig, path, bytes, { stopAfter: bytes.length }));
      for (const stopAfter of [1, MiB, 3 * MiB + 1]) swift.push(readAs(rig, path, bytes, { stopAfter }));
    }
    const swiftOnes = await Promise.all(swift);
    gone.resolve();
    expect(await Promise.all(slow), round).toEqual(wanted);
    expect(
      swiftOnes.filter((outcome) => !Object.hasOwn(outcome as object, 'read')),
      round,
    ).toEqual([]);
    const ends = swiftOnes.map((outcome) => (outcome as { readonly read: number }).read);
    for (const [index, [, bytes]] of sources.entries()) {
      expect(ends.slice(6 * index, 6 * index + 3), round).toEqual(Array(3).fill(bytes.length));
    }
    if (round === 'as they come') await rig.stored(sources.length);
  }
  // The second round was answered with what was stored while others read it.
  expect(rig.count('fetched')).toBe(sources.length);
});
