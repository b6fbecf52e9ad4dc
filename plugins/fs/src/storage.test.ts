import { open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { collect, type StorageKey } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import {
  context,
  debris,
  failing,
  hit,
  k,
  keysOf,
  meta,
  openFilesIn,
  openStorage,
  put,
  read,
  streamed,
  streamOf,
  temporaryFolder,
  whole,
} from '../test/harness.ts';
import { entryPath } from './key-path.ts';
import { FsStorage } from './storage.ts';

/** Not a multiple of anything, and larger than what is read at once. */
const LARGE = 1_000_003;
const large = Buffer.from(Uint8Array.from({ length: LARGE }, (_, index) => (index * 7) ^ (index >> 8)));

const fileOf = (storage: { readonly root: string }, key: string) => join(storage.root, entryPath(key as StorageKey));

describe('reading', () => {
  test('a miss is undefined', async () => {
    const storage = await openStorage();
    await put(storage, 'k/x', 'x');
    for (const key of ['k', 'k/y', 'k/x/y', 'other']) {
      expect(await storage.get(k(key), undefined)).toBeUndefined();
      expect(await storage.stat(k(key))).toBeUndefined();
    }
  });

  test.each([0, 1, 20_480, 256 * 1024 - 300, 256 * 1024, LARGE])(
    'a body of %i bytes comes back whole',
    async (size) => {
      const storage = await openStorage();
      const body = large.subarray(0, size);
      const metadata = {
        encoded: 'x'.repeat(64 * 1024),
        contentType: 'image/ä',
        cacheControl: 'no-cache',
        expiresAt: 5,
      };
      const version = await storage.put(k('a'), whole(body), metadata, undefined, context);
      const again = await openStorage({ root: storage.root });
      // The first hit of an instance, a later one, and one after a write of its own take different ways.
      for (const reader of [again, again, storage]) {
        const entry = hit(await reader.get(k('a'), undefined));
        expect({ ...entry, body: 0 }).toEqual({ kind: 'entry', metadata, size, version, range: undefined, body: 0 });
        expect(body.equals(await entry.body.bytes())).toBe(true);
      }
      expect(await again.stat(k('a'))).toEqual({ metadata, size, version });
    },
  );

  test('a small body is in memory at once, a large one is read as it is wanted', async () => {
    const storage = await openStorage();
    await put(storage, 'small', large.subarray(0, 20_000));
    await put(storage, 'large', large);
    expect(hit(await storage.get(k('small'), undefined)).body.buffered).toHaveLength(20_000);
    const { body } = hit(await storage.get(k('large'), undefined));
    expect(body.buffered).toBeUndefined();
    for await (const chunk of body.stream()) expect(chunk.length).toBeLessThan(LARGE / 2);
  });

  test.each([
    [{ first: 0 }, 0, LARGE - 1],
    [{ first: 10, last: 10 }, 10, 10],
    [{ first: 262_143, last: 524_289 }, 262_143, 524_289],
    [{ first: LARGE - 1, last: LARGE * 2 }, LARGE - 1, LARGE - 1],
    [{ suffix: 3 }, LARGE - 3, LARGE - 1],
    [{ suffix: LARGE + 1 }, 0, LARGE - 1],
  ])('the range %j of a large body is exact', async (range, first, last) => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    const entry = hit(await storage.get(k('a'), range));
    expect([entry.range, entry.size]).toEqual([{ first, last }, LARGE]);
    expect(large.subarray(first, last + 1).equals(await entry.body.bytes())).toBe(true);
  });

  test('a large body takes back the memory of what it is given back, and of nothing else', async () => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    for (const givesBack of [true, false]) {
      const stream = hit(await storage.get(k('a'), undefined)).body.stream();
      const chunks: Uint8Array[] = [];
      const buffers = new Set<ArrayBufferLike>();
      for await (const chunk of stream) {
        buffers.add(chunk.buffer);
        chunks.push(givesBack ? Buffer.from(chunk) : chunk);
        if (givesBack) stream.recycle?.(chunk);
      }
      expect(Buffer.concat(chunks).equals(large)).toBe(true);
      const stillThere = [...buffers].filter(({ byteLength }) => byteLength > 0);
      expect([buffers.size, stillThere.length]).toEqual([chunks.length, givesBack ? 0 : chunks.length]);
    }
  });

  test('a range of a small body, and ranges that hold no byte', async () => {
    const storage = await openStorage();
    const version = await put(storage, 'a', 'abcdef');
    const entry = hit(await storage.get(k('a'), { first: 2, last: 3 }));
    expect([entry.range, entry.size, Buffer.from(await entry.body.bytes()).toString()]).toEqual([
      { first: 2, last: 3 },
      6,
      'cd',
    ]);
    const none = { kind: 'range-not-satisfiable', metadata: meta(), size: 6, version };
    expect(await storage.get(k('a'), { first: 6 })).toEqual(none);
    expect(await storage.get(k('a'), { suffix: 0 })).toEqual(none);
    await put(storage, 'b', large);
    expect(await storage.get(k('b'), { first: LARGE })).toMatchObject({ kind: 'range-not-satisfiable', size: LARGE });
  });

  test('an entry that is replaced while it is read goes on as it was', async () => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    const entry = hit(await storage.get(k('a'), undefined));
    await put(storage, 'a', 'new');
    expect(large.equals(await entry.body.bytes())).toBe(true);
    expect(await read(storage, 'a')).toBe('new');
  });

  test('bodies that are read, given up or discarded leave no file open', async () => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    for (let round = 0; round < 20; round += 1) {
      await hit(await storage.get(k('a'), undefined)).body.bytes();
      await hit(await storage.get(k('a'), undefined)).body.discard();
      for await (const _ of hit(await storage.get(k('a'), undefined)).body.stream()) break;
      await storage.get(k('a'), { first: LARGE });
      await storage.get(k('b'), undefined);
      await storage.stat(k('a'));
    }
    expect(await openFilesIn(storage.root)).toEqual([]);
  });
});

describe('writing', () => {
  test('a streamed overwrite shows the old entry until it is whole', async () => {
    const storage = await openStorage();
    await put(storage, 'a', large, 'old');
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const writing = storage.put(
      k('a'),
      streamed(async function* () {
        yield large.subarray(0, 400_000);
        begun.resolve();
        await gate.promise;
        yield large.subarray(0, 100);
      }),
      meta('new'),
      undefined,
      context,
    );
    await begun.promise;
    for (let poll = 0; poll < 20; poll += 1) {
      const entry = hit(await storage.get(k('a'), undefined));
      expect([entry.metadata.encoded, (await entry.body.bytes()).length]).toEqual(['old', LARGE]);
    }
    expect(await keysOf(storage)).toEqual(['a']);
    gate.resolve();
    await writing;
    const entry = hit(await storage.get(k('a'), undefined));
    expect([entry.metadata.encoded, (await entry.body.bytes()).length]).toEqual(['new', 400_100]);
    expect(await debris(storage.root)).toEqual([]);
  });

  test('a chunk is given back once it was written', async () => {
    const storage = await openStorage();
    const chunks = [large.subarray(0, 300_000), large.subarray(300_000, 300_001), large.subarray(300_001)];
    const back: number[] = [];
    const source = {
      async *[Symbol.asyncIterator]() {
        for (const chunk of chunks) yield Buffer.from(chunk);
      },
      recycle(chunk: Uint8Array) {
        back.push(chunk.length);
        chunk.fill(0);
      },
    };
    await storage.put(
      k('a'),
      streamed(() => source),
      meta(),
      undefined,
      context,
    );
    expect(back).toEqual(chunks.map(({ length }) => length));
    expect(large.equals(await hit(await storage.get(k('a'), undefined)).body.bytes())).toBe(true);
  });

  test('readers beside quick overwrites see whole entries, never a gap', async () => {
    const storage = await openStorage();
    const bodies = ['a'.repeat(30_000), 'b'.repeat(300_000)];
    await put(storage, 'a', bodies[0] ?? '', 'a');
    let writing = true;
    const writer = (async () => {
      for (let round = 0; round < 60; round += 1) await put(storage, 'a', bodies[round % 2] ?? '', 'ab'[round % 2]);
      writing = false;
    })();
    const reader = (async () => {
      while (writing) {
        const entry = hit(await storage.get(k('a'), undefined));
        const text = Buffer.from(await entry.body.bytes()).toString();
        expect(bodies).toContain(text);
        expect(text[0]).toBe(entry.metadata.encoded);
        // A small file is there at once, and a loop of such reads would let nobody write.
        await new Promise(setImmediate);
      }
    })();
    await Promise.all([writer, reader]);
  });

  test.each([0, 1, 300_000])(
    'a body that fails after %i bytes leaves the old entry, and its own error',
    async (size) => {
      const storage = await openStorage();
      await put(storage, 'a', 'old');
      // Looks like an error of the system, but is the caller's.
      const failure = Object.assign(new Error('source went away'), { code: 'ENOENT' });
      const body = streamed(async function* () {
        yield large.subarray(0, size);
        throw failure;
      });
      await expect(storage.put(k('a'), body, meta(), undefined, context)).rejects.toBe(failure);
      expect(await read(storage, 'a')).toBe('old');
      expect(await debris(storage.root)).toEqual([]);
    },
  );

  test('an abort in the midst of a body leaves no entry and no file', async () => {
    const storage = await openStorage();
    const abort = new AbortController();
    const reason = new Error('enough');
    const body = streamed(async function* () {
      yield large;
      abort.abort(reason);
    });
    await expect(storage.put(k('a'), body, meta(), undefined, { signal: abort.signal })).rejects.toBe(reason);
    expect(await storage.get(k('a'), undefined)).toBeUndefined();
    expect([await debris(storage.root), await keysOf(storage)]).toEqual([[], []]);
  });

  test('an entry larger than the cap is refused, streamed or not', async () => {
    const storage = await openStorage({ maxBytes: 500_000 });
    await expect(put(storage, 'a', large)).rejects.toMatchObject(failing('too-large'));
    let released = false;
    const endless = streamed(async function* () {
      try {
        for (;;) yield large.subarray(0, 100_000);
      } finally {
        released = true;
      }
    });
    await expect(storage.put(k('a'), endless, meta(), undefined, context)).rejects.toMatchObject(failing('too-large'));
    expect(released).toBe(true);
    // The first count may be under way.
    await expect.poll(() => debris(storage.root)).toEqual([]);
    await put(storage, 'a', large.subarray(0, 500_000));
  });

  test('setMetadata keeps the bytes, gives a new version and never creates', async () => {
    const storage = await openStorage();
    expect(await storage.setMetadata(k('a'), meta('new'), undefined, context)).toBeUndefined();
    expect(await keysOf(storage)).toEqual([]);
    for (const body of [Buffer.alloc(0), Buffer.from('body'), large]) {
      const before = await put(storage, 'a', body);
      const version = await storage.setMetadata(k('a'), meta('new'), undefined, context);
      expect(version).not.toBe(before);
      expect(await storage.stat(k('a'))).toEqual({ metadata: meta('new'), size: body.length, version });
      expect(body.equals(await hit(await storage.get(k('a'), undefined)).body.bytes())).toBe(true);
    }
    expect(await debris(storage.root)).toEqual([]);
  });

  test('delete takes one key and its empty folders, and is content with none', async () => {
    const storage = await openStorage();
    for (const key of ['k', 'k/x', 'k/y/z', 'kk']) await put(storage, key, key);
    await storage.delete(k('k'), undefined, context);
    await storage.delete(k('k'), undefined, context);
    await storage.delete(k('k/y/z'), undefined, context);
    await storage.delete(k('k/y/z/missing'), undefined, context);
    expect(await keysOf(storage)).toEqual(['k/x', 'kk']);
    expect(await readdir(join(storage.root, 'k'))).toEqual(['x@']);
    expect(await debris(storage.root)).toEqual([]);
    await put(storage, 'k/y/z', 'again');
    expect(await read(storage, 'k/y/z')).toBe('again');
  });

  test('puts and deletes in one folder do not fail one another', async () => {
    const storage = await openStorage();
    const churn = async (key: string) => {
      for (let round = 0; round < 40; round += 1) {
        await put(storage, key, key);
        await storage.delete(k(key), undefined, context);
      }
    };
    await Promise.all(['f/g/a', 'f/g/b', 'f/h/c'].map(churn));
    expect(await keysOf(storage)).toEqual([]);
  });

  test('with durability "power" it reads and writes all the same', async () => {
    const storage = await openStorage({ durability: 'power' });
    expect(storage.capabilities.durability).toBe('power');
    await put(storage, 'a/b/c/d', 'x');
    expect(await read(storage, 'a/b/c/d')).toBe('x');
  });
});

describe('conditions', () => {
  const refused = failing('precondition-failed');

  test('of racing creations exactly one wins, over two instances', async () => {
    const one = await openStorage();
    const two = await openStorage({ root: one.root });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 16 }, (_, writer) => {
        const body = streamed(() => streamOf([large, Buffer.from(`${writer}`)]));
        return (writer % 2 ? one : two).put(k('f/a'), body, meta(`${writer}`), { ifAbsent: true }, context);
      }),
    );
    const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(refused);
    expect((await one.stat(k('f/a')))?.metadata.encoded).toBe(`${winner}`);
    expect(await debris(one.root)).toEqual([]);
  });

  test('compare-and-swap by 6 workers of two instances loses no increment, beside plain writes elsewhere', async () => {
    const one = await openStorage();
    const two = await openStorage({ root: one.root });
    await put(one, 'n', '0');
    const worker = async (storage: FsStorage) => {
      for (let done = 0; done < 10; ) {
        const entry = hit(await storage.get(k('n'), undefined));
        const next = `${Number(Buffer.from(await entry.body.bytes()).toString()) + 1}`;
        const swap = storage.put(k('n'), whole(next), meta(), { ifVersion: entry.version }, context);
        await swap.then(
          () => {
            done += 1;
          },
          (error: unknown) => expect(error).toMatchObject(refused),
        );
      }
    };
    await Promise.all([one, two, one, two, one, two].map(worker));
    expect(await read(one, 'n')).toBe('60');
    expect(await readdir(join(one.root, '@locks'))).toEqual([]);
  });

  test('a stale version replaces, describes and deletes nothing; the current one does', async () => {
    const storage = await openStorage();
    const stale = { ifVersion: await put(storage, 'a', 'one') };
    const current = { ifVersion: await put(storage, 'a', 'two') };
    await expect(put(storage, 'a', 'x', 'x', stale)).rejects.toMatchObject(refused);
    await expect(storage.setMetadata(k('a'), meta('x'), stale, context)).rejects.toMatchObject(refused);
    await expect(storage.delete(k('a'), stale, context)).rejects.toMatchObject(refused);
    expect([await read(storage, 'a'), (await storage.stat(k('a')))?.version]).toEqual(['two', current.ifVersion]);

    const described = await storage.setMetadata(k('a'), meta('y'), current, context);
    if (described === undefined) throw new Error('the entry was there');
    const replaced = await put(storage, 'a', '3', 'm', { ifVersion: described });
    await storage.delete(k('a'), { ifVersion: replaced }, context);
    expect(await read(storage, 'a')).toBeUndefined();
    await expect(storage.delete(k('a'), { ifVersion: replaced }, context)).rejects.toMatchObject(refused);
    await expect(put(storage, 'a', 'x', 'x', { ifVersion: replaced })).rejects.toMatchObject(refused);
    expect(await debris(storage.root)).toEqual([]);
  });

  test('setMetadata without a condition outlasts puts, and mixes nothing', async () => {
    const storage = await openStorage();
    await put(storage, 'a', 'body 0', 'put');
    await Promise.all([
      (async () => {
        for (let round = 1; round <= 30; round += 1) await put(storage, 'a', `body ${round}`, 'put');
      })(),
      (async () => {
        for (let round = 1; round <= 30; round += 1) await storage.setMetadata(k('a'), meta('set'), undefined, context);
      })(),
    ]);
    expect(await read(storage, 'a')).toBe('body 30');
  });
});

describe('damage', () => {
  test.each([0, 1])('any changed byte of an entry is noticed (at offset %i of every 13)', async (start) => {
    const storage = await openStorage();
    await put(storage, 'a', 'some body of some length');
    const path = fileOf(storage, 'a');
    const sound = await readFile(path);
    for (let offset = start; offset < sound.length; offset += 13) {
      const damaged = Buffer.from(sound);
      damaged[offset] = (damaged[offset] ?? 0) ^ 0x10;
      await writeFile(path, damaged);
      await expect(read(storage, 'a'), `byte ${offset}`).rejects.toMatchObject(failing('corrupt'));
    }
  });

  test('a large body that is damaged fails before it is complete', async () => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    const handle = await open(fileOf(storage, 'a'), 'r+');
    await handle.write(Buffer.from('?'), 0, 1, LARGE - 5);
    await handle.close();
    const entry = hit(await storage.get(k('a'), undefined));
    let received = 0;
    const reading = (async () => {
      for await (const chunk of entry.body.stream()) received += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject(failing('corrupt'));
    expect(received).toBeLessThan(LARGE);
    await expect(storage.setMetadata(k('a'), meta(), undefined, context)).rejects.toMatchObject(failing('corrupt'));
  });

  test.each([0, 5, 30, 100, 400_000])('a file cut to %i bytes is corrupt, for every way to read it', async (size) => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    await truncate(fileOf(storage, 'a'), size);
    await expect(storage.get(k('a'), undefined)).rejects.toMatchObject(failing('corrupt'));
    await expect(storage.get(k('a'), { first: 0, last: 1 })).rejects.toMatchObject(failing('corrupt'));
    await expect(storage.stat(k('a'))).rejects.toMatchObject(failing('corrupt'));
  });

  test('a header that claims gigabytes is corrupt, however large the file is', async () => {
    const storage = await openStorage();
    await put(storage, 'a', large);
    const handle = await open(fileOf(storage, 'a'), 'r+');
    await handle.write(Buffer.from([0, 0, 0, 0xc0]), 0, 4, 12);
    // The file system keeps no blocks for what was never written.
    await handle.truncate(2 ** 32);
    await handle.close();
    const failure = { ...failing('corrupt'), message: expect.stringContaining('impossible length') };
    await expect(storage.stat(k('a'))).rejects.toMatchObject(failure);
    await expect(storage.get(k('a'), undefined)).rejects.toMatchObject(failure);
    await expect(storage.setMetadata(k('a'), meta(), undefined, context)).rejects.toMatchObject(failure);
  });

  test('a damaged entry shows in the listing, and can be replaced and deleted', async () => {
    const storage = await openStorage();
    for (const key of ['a', 'b', 'c']) await put(storage, key, key);
    for (const key of ['a', 'b']) await writeFile(fileOf(storage, key), 'rubbish');
    expect(await keysOf(storage)).toEqual(['a', 'b', 'c']);
    await put(storage, 'a', 'new');
    await storage.delete(k('b'), undefined, context);
    expect([await read(storage, 'a'), await keysOf(storage)]).toEqual(['new', ['a', 'c']]);
  });

  test('a file that belongs to another key is no answer', async () => {
    const storage = await openStorage();
    await put(storage, 'a', 'a');
    await writeFile(fileOf(storage, 'b'), await readFile(fileOf(storage, 'a')));
    await expect(read(storage, 'b')).rejects.toMatchObject(failing('corrupt'));
  });
});

describe('listing', () => {
  test('2,500 keys, in byte order, each once, while others come and go', async () => {
    const storage = await openStorage();
    const keys = Array.from({ length: 2_500 }, (_, index) => {
      const name = ((index * 7919) % 2_500).toString(36);
      return ['v1/', 'v1/a.', 'v1/a/', 'v1/a-', ''][index % 5] + name;
    });
    for (const key of keys) await put(storage, key, key);
    expect(await keysOf(storage)).toEqual(keys.toSorted());

    const seen: string[] = [];
    for await (const { key } of storage.list('v1/', undefined, context)) {
      seen.push(key);
      if (seen.length % 100 !== 0) continue;
      await put(storage, `v1/~${seen.length}`.replace('~', 'new-'), 'x');
      await put(storage, key, 'again');
      await storage.delete(k('zzz'), undefined, context);
    }
    const stable = seen.filter((key) => !key.startsWith('v1/new-'));
    expect(stable).toEqual(keys.filter((key) => key.startsWith('v1/')).sort());
    expect(seen).toEqual(seen.toSorted());
  });

  test('a row tells size, version and time', async () => {
    const storage = await openStorage();
    const before = Date.now();
    const version = await put(storage, 'a/b', 'four');
    const rows = await Array.fromAsync(storage.list('', undefined, context));
    expect(rows).toEqual([{ key: 'a/b', size: 4, version, modifiedAt: expect.any(Number) }]);
    expect(rows[0]?.modifiedAt).toBeGreaterThanOrEqual(before);
    expect(rows[0]?.modifiedAt).toBeLessThanOrEqual(Date.now());
  });
});

test('an entry written by one instance is read by another at once', async () => {
  const one = await openStorage();
  const two = await openStorage({ root: one.root });
  await put(one, 'a', 'one');
  expect(await read(two, 'a')).toBe('one');
  await put(two, 'a', large);
  expect((await collect(hit(await one.get(k('a'), undefined)).body.stream())).length).toBe(LARGE);
  await put(two, 'a', 'three');
  expect(await read(one, 'a')).toBe('three');
});

test('closing frees the files of bodies that nobody read', async () => {
  const root = await temporaryFolder();
  const storage = new FsStorage({ root, maxBytes: 0, durability: 'process' });
  await storage.open();
  await put(storage, 'a', large);
  const unread = hit(await storage.get(k('a'), undefined));
  const halfRead = hit(await storage.get(k('a'), undefined))
    .body.stream()
    [Symbol.asyncIterator]();
  await halfRead.next();
  expect(await openFilesIn(root)).toHaveLength(2);
  await storage.close();
  expect(await openFilesIn(root)).toEqual([]);
  await expect(unread.body.bytes()).rejects.toMatchObject({ name: 'StorageError' });
});

test('closing leaves entries and what a sweep has counted, and nothing else', async () => {
  const root = await temporaryFolder();
  const storage = new FsStorage({ root, maxBytes: 1_000_000, durability: 'process' });
  await storage.open();
  await put(storage, 'a', 'x');
  await storage.close();
  expect(await readdir(join(root, '@temp'))).toEqual([]);
  expect(await readdir(join(root, '@locks'))).toEqual([]);
  const names = (await readdir(root)).filter((name) => name !== '@counted');
  expect(names.sort()).toEqual(['@locks', '@temp', 'a@']);
});

describe('opening', () => {
  test('twice, at once or later, makes one folder for temporary files, and closing removes it', async () => {
    const root = await temporaryFolder();
    const storage = new FsStorage({ root, maxBytes: 0, durability: 'process' });
    await Promise.all([storage.open(), storage.open()]);
    await storage.open();
    expect(await readdir(join(root, '@temp'))).toHaveLength(1);
    await storage.close();
    expect(await readdir(join(root, '@temp'))).toEqual([]);
  });
});

describe('what is aborted', () => {
  const reason = new Error('gone');

  /** A signal that is aborted once the operation has looked at it so many times. */
  function abortedAfter(looks: number): AbortSignal {
    const { signal } = new AbortController();
    let left = looks;
    signal.throwIfAborted = () => {
      left -= 1;
      if (left < 0) throw reason;
    };
    return signal;
  }

  test.each([
    ['on entry', 0],
    ['with the lock held', 1],
  ])('a put of bytes, a change of the record and a deletion have no effect later: %s', async (_when, looks) => {
    const storage = await openStorage();
    const version = await storage.put(k('a'), whole('old'), meta(), undefined, context);
    const aborted = () => ({ signal: abortedAfter(looks) });
    await expect(storage.put(k('a'), whole('new'), meta(), undefined, aborted())).rejects.toBe(reason);
    await expect(storage.setMetadata(k('a'), meta('n'), undefined, aborted())).rejects.toBe(reason);
    await expect(storage.delete(k('a'), undefined, aborted())).rejects.toBe(reason);
    expect(await storage.stat(k('a'))).toMatchObject({ version, metadata: { encoded: 'm' } });
    expect([await read(storage, 'a'), await debris(storage.root)]).toEqual(['old', []]);
  });

  test('a put that may only create has none either', async () => {
    const storage = await openStorage();
    const aborted = { signal: abortedAfter(0) };
    await expect(storage.put(k('a'), whole('new'), meta(), { ifAbsent: true }, aborted)).rejects.toBe(reason);
    expect([await read(storage, 'a'), await debris(storage.root)]).toEqual([undefined, []]);
  });
});
