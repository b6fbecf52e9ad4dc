import { type OperationContext, type PutBody, StorageError, type StorageKey, storageKey } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { MemoryStorage } from './storage.ts';

const context: OperationContext = { signal: new AbortController().signal };
const untouchable: OperationContext = {
  get signal(): AbortSignal {
    throw new Error('the hot path must not make a signal');
  },
};
const k = storageKey;
const meta = (encoded = 'm') => ({ encoded, contentType: 'image/png' });
const text = (body: string): Uint8Array => new TextEncoder().encode(body);

function whole(bytes: Uint8Array): PutBody {
  return { bytes, size: bytes.length, replayable: true, stream: () => streamOf([bytes]) };
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function streamed(stream: () => AsyncIterable<Uint8Array>): PutBody {
  return { bytes: undefined, size: undefined, replayable: false, stream };
}

function put(storage: MemoryStorage, key: string, body: string | Uint8Array, encoded = 'm') {
  return storage.put(k(key), whole(typeof body === 'string' ? text(body) : body), meta(encoded), undefined, context);
}

function read(storage: MemoryStorage, key: string): string | undefined {
  const hit = storage.get(k(key), undefined);
  return hit?.kind === 'entry' ? new TextDecoder().decode(hit.body.buffered) : undefined;
}

async function keysOf(storage: MemoryStorage, prefix = '', after?: StorageKey): Promise<string[]> {
  const keys: string[] = [];
  for await (const row of storage.list(prefix, after)) keys.push(row.key);
  return keys;
}

const unbounded = () => new MemoryStorage({ maxBytes: 0 });

describe('reading', () => {
  test('a hit is answered at once, with the body in memory', async () => {
    const storage = unbounded();
    const version = await storage.put(k('a'), whole(text('body')), meta('x'), undefined, untouchable);
    const hit = storage.get(k('a'), undefined);
    if (hit?.kind !== 'entry') throw new Error('a hit was expected');
    expect({ ...hit, body: undefined }).toEqual({
      kind: 'entry',
      metadata: meta('x'),
      size: 4,
      version,
      range: undefined,
      body: undefined,
    });
    expect(hit.body.buffered).toEqual(text('body'));
    expect(storage.stat(k('a'))).toEqual({ metadata: meta('x'), size: 4, version });
  });

  test('a miss is undefined', () => {
    expect(unbounded().get(k('a'), undefined)).toBeUndefined();
    expect(unbounded().stat(k('a'))).toBeUndefined();
  });

  test.each([
    [{ first: 0 }, 'abcdef', 0, 5],
    [{ first: 2, last: 3 }, 'cd', 2, 3],
    [{ first: 4, last: 99 }, 'ef', 4, 5],
    [{ first: 5, last: 5 }, 'f', 5, 5],
    [{ suffix: 2 }, 'ef', 4, 5],
    [{ suffix: 99 }, 'abcdef', 0, 5],
  ])('the range %j of "abcdef" is "%s"', async (range, expected, first, last) => {
    const storage = unbounded();
    await put(storage, 'a', 'abcdef');
    const hit = storage.get(k('a'), range);
    if (hit?.kind !== 'entry') throw new Error('a hit was expected');
    expect(hit.range).toEqual({ first, last });
    expect(hit.size).toBe(6);
    expect(new TextDecoder().decode(hit.body.buffered)).toBe(expected);
  });

  test.each([
    [{ first: 6 }, 'abcdef'],
    [{ suffix: 0 }, 'abcdef'],
    [{ first: 0 }, ''],
    [{ suffix: 1 }, ''],
  ])('the range %j of "%s" holds no byte, and says so', async (range, body) => {
    const storage = unbounded();
    const version = await put(storage, 'a', body);
    expect(storage.get(k('a'), range)).toEqual({
      kind: 'range-not-satisfiable',
      metadata: meta(),
      size: body.length,
      version,
    });
  });
});

describe('writing', () => {
  test('the caller may reuse its buffers', async () => {
    const storage = unbounded();
    const bytes = text('first');
    const chunk = text('second');
    const metadata = { ...meta('kept') };
    await storage.put(k('a'), whole(bytes), metadata, undefined, context);
    await storage.put(
      k('b'),
      streamed(() => streamOf([chunk])),
      metadata,
      undefined,
      context,
    );
    bytes.fill(0);
    chunk.fill(0);
    metadata.encoded = 'changed';
    expect([read(storage, 'a'), read(storage, 'b')]).toEqual(['first', 'second']);
    expect(storage.stat(k('a'))?.metadata).toEqual(meta('kept'));
  });

  test('a streamed overwrite shows the old entry until it is whole', async () => {
    const storage = unbounded();
    await put(storage, 'a', 'old');
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const writing = storage.put(
      k('a'),
      streamed(async function* () {
        yield text('ne');
        begun.resolve();
        await gate.promise;
        yield text('w');
      }),
      meta('new'),
      undefined,
      context,
    );
    await begun.promise;
    expect([read(storage, 'a'), storage.stat(k('a'))?.metadata.encoded]).toEqual(['old', 'm']);
    gate.resolve();
    await writing;
    expect([read(storage, 'a'), storage.stat(k('a'))?.metadata.encoded]).toEqual(['new', 'new']);
  });

  test('a body that fails leaves the old entry, and its own error', async () => {
    const storage = unbounded();
    await put(storage, 'a', 'old');
    const failure = new Error('source went away');
    const failing = streamed(async function* () {
      yield text('ne');
      throw failure;
    });
    await expect(storage.put(k('a'), failing, meta(), undefined, context)).rejects.toBe(failure);
    expect(read(storage, 'a')).toBe('old');
  });

  test('an abort while the body is read leaves the old entry', async () => {
    const storage = unbounded();
    const abort = new AbortController();
    const reason = new Error('enough');
    const body = streamed(async function* () {
      yield text('x');
      abort.abort(reason);
    });
    await expect(storage.put(k('a'), body, meta(), undefined, { signal: abort.signal })).rejects.toBe(reason);
    expect(read(storage, 'a')).toBeUndefined();
  });

  test('each write makes another version, also in another instance', async () => {
    const storage = unbounded();
    const versions = [
      await put(storage, 'a', 'x'),
      await put(storage, 'a', 'x'),
      await storage.setMetadata(k('a'), meta(), undefined),
      await put(unbounded(), 'a', 'x'),
    ];
    expect(new Set(versions).size).toBe(4);
  });

  test('setMetadata keeps the bytes and never creates', async () => {
    const storage = unbounded();
    expect(await storage.setMetadata(k('a'), meta('new'), undefined)).toBeUndefined();
    expect(storage.get(k('a'), undefined)).toBeUndefined();
    await put(storage, 'a', 'bytes');
    const version = await storage.setMetadata(k('a'), meta('new'), undefined);
    expect(storage.stat(k('a'))).toEqual({ metadata: meta('new'), size: 5, version });
    expect(read(storage, 'a')).toBe('bytes');
  });

  test('delete takes one key, and is content with none', async () => {
    const storage = unbounded();
    for (const key of ['k', 'k/x', 'kk']) await put(storage, key, key);
    await storage.delete(k('k'), undefined);
    await storage.delete(k('k'), undefined);
    expect(await keysOf(storage)).toEqual(['k/x', 'kk']);
  });
});

describe('conditions', () => {
  const refused = expect.objectContaining({ code: 'precondition-failed' });

  test('of racing creations exactly one wins', async () => {
    const storage = unbounded();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, writer) =>
        storage.put(
          k('a'),
          streamed(() => streamOf([text(`${writer}`)])),
          meta(),
          { ifAbsent: true },
          context,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason)).toEqual(
      Array.from({ length: 7 }, () => refused),
    );
  });

  test('a stale version replaces, describes and deletes nothing; the current one does', async () => {
    const storage = unbounded();
    const stale = { ifVersion: await put(storage, 'a', 'one') };
    const current = { ifVersion: await put(storage, 'a', 'two') };
    await expect(storage.put(k('a'), whole(text('x')), meta('x'), stale, context)).rejects.toEqual(refused);
    await expect(storage.setMetadata(k('a'), meta('x'), stale)).rejects.toEqual(refused);
    await expect(storage.delete(k('a'), stale)).rejects.toEqual(refused);
    expect([read(storage, 'a'), storage.stat(k('a'))?.version]).toEqual(['two', current.ifVersion]);

    const described = await storage.setMetadata(k('a'), meta('y'), current);
    if (described === undefined) throw new Error('the entry was there');
    const replaced = await storage.put(k('a'), whole(text('3')), meta(), { ifVersion: described }, context);
    await storage.delete(k('a'), { ifVersion: replaced });
    expect(read(storage, 'a')).toBeUndefined();
  });

  test('no version matches an entry that is not there', async () => {
    const storage = unbounded();
    const gone = { ifVersion: await put(storage, 'a', 'one') };
    await storage.delete(k('a'), undefined);
    await expect(storage.put(k('a'), whole(text('x')), meta(), gone, context)).rejects.toEqual(refused);
    await expect(storage.delete(k('a'), gone)).rejects.toEqual(refused);
    expect(await storage.setMetadata(k('a'), meta(), gone)).toBeUndefined();
  });
});

describe('the cap', () => {
  test('counts body, key and metadata, and the least recently used makes room', async () => {
    const storage = new MemoryStorage({ maxBytes: 30 });
    expect(storage.capabilities.evicts).toBe(true);
    await put(storage, 'a', '12345678'); // 1 + 8 + 1 = 10
    await put(storage, 'b', '12345678');
    await put(storage, 'c', '12345678');
    expect(storage.bytes).toBe(30);
    read(storage, 'a');
    await put(storage, 'd', '');
    expect(await keysOf(storage)).toEqual(['a', 'c', 'd']);
    expect(storage.bytes).toBe(22);
    await storage.setMetadata(k('a'), meta('123456789'), undefined);
    expect(storage.bytes).toBe(30);
    await storage.delete(k('a'), undefined);
    await put(storage, 'd', '1');
    expect(storage.bytes).toBe(13);
  });

  test('what was just put stays, also where all others were used', async () => {
    const storage = new MemoryStorage({ maxBytes: 30 });
    for (const key of ['a', 'b', 'c']) {
      await put(storage, key, '12345678');
      read(storage, key);
    }
    await put(storage, 'd', '12345678');
    expect(await keysOf(storage)).toEqual(['b', 'c', 'd']);
  });

  test('entries that nobody asks for any more go with later puts once their time has passed', async () => {
    let now = 1_000;
    const storage = new MemoryStorage({ maxBytes: 0 }, () => now);
    for (const key of ['a', 'b', 'c']) {
      await storage.put(k(key), whole(text(key)), { ...meta(), expiresAt: 2_000 }, undefined, context);
    }
    expect(storage.usage().entries).toBe(3);
    now = 3_000;
    await put(storage, 'd', 'd');
    expect(storage.usage().entries).toBe(2);
    await put(storage, 'e', 'e');
    expect(storage.usage().entries).toBe(2);
  });

  test('an entry larger than the cap is refused, and evicts nothing', async () => {
    const storage = new MemoryStorage({ maxBytes: 30 });
    const tooLarge = expect.objectContaining({ code: 'too-large' });
    await put(storage, 'a', 'x');
    await put(storage, 'b', '1234567890123');
    await expect(put(storage, 'b', 'x'.repeat(29))).rejects.toEqual(tooLarge);
    await expect(storage.setMetadata(k('b'), meta('x'.repeat(17)), undefined)).rejects.toEqual(tooLarge);
    expect(await keysOf(storage)).toEqual(['a', 'b']);
    expect(await put(storage, 'c', 'x'.repeat(28))).toBeDefined();
    expect(await keysOf(storage)).toEqual(['c']);
  });

  test('an endless stream is given up as soon as it cannot fit', async () => {
    const storage = new MemoryStorage({ maxBytes: 30 });
    let released = false;
    const endless = streamed(async function* () {
      try {
        for (;;) yield text('ten bytes!');
      } finally {
        released = true;
      }
    });
    await expect(storage.put(k('a'), endless, meta(), undefined, context)).rejects.toSatisfy(StorageError.is);
    expect(released).toBe(true);
  });

  test('what is declared fits together', async () => {
    const storage = new MemoryStorage({ maxBytes: 1024 * 1024 });
    const { maxMetadataBytes, maxObjectBytes } = storage.capabilities;
    expect(maxMetadataBytes).toBe(64 * 1024);
    await put(storage, 'k'.repeat(512), new Uint8Array(maxObjectBytes), 'm'.repeat(maxMetadataBytes));
    expect(storage.bytes).toBe(1024 * 1024);
    expect(unbounded().capabilities).toMatchObject({ evicts: false, maxObjectBytes: Number.POSITIVE_INFINITY });
  });

  test('closing lets go of everything', async () => {
    const storage = unbounded();
    await put(storage, 'a', 'x');
    await storage.close();
    expect([storage.bytes, await keysOf(storage)]).toEqual([0, []]);
  });
});

test('an entry is gone once it has expired', async () => {
  let now = 1_000;
  const storage = new MemoryStorage({ maxBytes: 0 }, () => now);
  const mortal = { ...meta(), expiresAt: 2_000 };
  await storage.put(k('a'), whole(text('x')), mortal, undefined, context);
  now = 1_999;
  expect(storage.stat(k('a'))?.metadata).toEqual(mortal);
  now = 2_000;
  expect([storage.stat(k('a')), storage.get(k('a'), undefined), await keysOf(storage)]).toEqual([
    undefined,
    undefined,
    [],
  ]);
  expect(storage.bytes).toBe(0);
});

describe('listing', () => {
  test('is in byte order of the whole key, under any prefix, after any key', async () => {
    const storage = unbounded();
    const keys = ['a', 'a-b', 'a.b', 'a/x', 'a/x/y', 'a0', 'ab', 'b'];
    for (const key of keys.toReversed()) await put(storage, key, key);
    expect(await keysOf(storage)).toEqual(keys);
    expect(await keysOf(storage, 'a/')).toEqual(['a/x', 'a/x/y']);
    expect(await keysOf(storage, 'a', k('a.b'))).toEqual(['a/x', 'a/x/y', 'a0', 'ab']);
  });

  test('tells size, version and time', async () => {
    const storage = new MemoryStorage({ maxBytes: 0 }, () => 77);
    const version = await put(storage, 'a', 'four');
    expect(await Array.fromAsync(storage.list('', undefined))).toEqual([
      { key: 'a', size: 4, version, modifiedAt: 77 },
    ]);
  });

  test('changes meanwhile cost no other key its row', async () => {
    const storage = unbounded();
    for (const key of ['b', 'd', 'f', 'h']) await put(storage, key, key);
    const seen: string[] = [];
    for await (const row of storage.list('', undefined)) {
      seen.push(row.key);
      if (row.key !== 'b') continue;
      await storage.delete(k('d'), undefined);
      await put(storage, 'a', 'before');
      await put(storage, 'f', 'again');
    }
    expect(seen).toEqual(['b', 'f', 'h']);
  });
});

test('check says how much it may hold', async () => {
  expect(await new MemoryStorage({ maxBytes: 9 }).check()).toEqual({
    ok: true,
    summary: 'memory of this process, at most 9 bytes',
  });
  expect((await unbounded().check()).summary).toBe('memory of this process, no limit');
});
