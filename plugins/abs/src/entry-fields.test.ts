import { storageKey, type Version } from '@tintype/core';
import { service } from '@tintype-test/servers/scripted-service';
import { describe, expect, onTestFinished, test } from 'vitest';
import { context, optionsFor, scopeOf } from '../test/harness.ts';
import { refuse } from '../test/service.ts';
import { AbsStorage } from './storage.ts';

const key = storageKey('a/k');
const longest = Array.from({ length: 7_000 }, (_, i) => String.fromCharCode(0x21 + (i % 94))).join('');

function bodyOf(bytes: Uint8Array) {
  return {
    bytes,
    size: bytes.length,
    replayable: true,
    async *stream() {
      yield bytes;
    },
  };
}

/** A storage on a service that takes every write, and the requests that it makes. */
async function recorded() {
  const { endpoint, requests } = await service((request, response) => {
    if (request.method === 'GET') return refuse(response, 404, 'BlobNotFound');
    response.writeHead(request.url?.includes('comp=metadata') ? 200 : 201, { etag: '"0x1"' }).end();
  });
  const storage = new AbsStorage(optionsFor({ endpoint }), scopeOf('photos'));
  await storage.open(context);
  onTestFinished(() => storage.close());
  const metadataOf = (index: number) =>
    Object.entries(requests.at(index)?.headers ?? {}).flatMap(([name, value]) =>
      name.startsWith('x-ms-meta-') ? [[name.slice('x-ms-meta-'.length), `${value}`] as const] : [],
    );
  return { storage, requests, metadataOf };
}

describe('what Azure refuses and emulators take is never sent', () => {
  test.each(['m', longest])('names are C# identifiers and values have no space at their ends', async (encoded) => {
    const { storage, metadataOf } = await recorded();
    await storage.put(key, bodyOf(new Uint8Array(3)), { encoded, contentType: 'image/png' }, undefined, context);
    await storage.setMetadata(key, { encoded, contentType: 'image/png' }, undefined, context);
    for (const fields of [metadataOf(-1), metadataOf(-2)]) {
      expect(fields.map(([, value]) => value).join('')).toBe(encoded);
      for (const [name, value] of fields) {
        expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
        expect(value).toBe(value.trim());
      }
    }
  });

  test('metadata as long as declared stays below the 8 KiB that Azure counts, names and their prefix included', async () => {
    const { storage, metadataOf } = await recorded();
    expect(longest).toHaveLength(storage.capabilities.maxMetadataBytes);
    await storage.setMetadata(key, { encoded: longest, contentType: 'image/png' }, undefined, context);
    const counted = metadataOf(-1).reduce((sum, [name, value]) => sum + `x-ms-meta-${name}`.length + value.length, 0);
    expect(counted).toBeLessThanOrEqual(8_192);
  });

  test('metadata and type go with the bytes in one request, and metadata alone in one', async () => {
    const { storage, requests } = await recorded();
    const metadata = { encoded: 'm', contentType: 'image/png', cacheControl: 'max-age=60' };
    await storage.put(key, bodyOf(new Uint8Array(3)), metadata, { ifAbsent: true }, context);
    expect(requests.at(-1)?.headers).toMatchObject({
      'x-ms-blob-content-type': 'image/png',
      'x-ms-blob-cache-control': 'max-age=60',
      'x-ms-meta-t0': 'm',
      'if-none-match': '*',
    });
    const before = requests.length;
    await storage.setMetadata(key, metadata, { ifVersion: '"0x1"' as Version }, context);
    expect(requests).toHaveLength(before + 1);
    expect(requests.at(-1)?.headers).toMatchObject({ 'x-ms-meta-t0': 'm', 'if-match': '"0x1"' });
  });
});
