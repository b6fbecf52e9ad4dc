import { describe, expect, test } from 'vitest';
import { collect } from '../bodies.ts';
import { OriginError, type OriginRequest } from '../contracts/origin.ts';
import { type FoundObject, objectResponse } from './object-response.ts';

const asked = (maxBytes = 1_000, signal = new AbortController().signal): OriginRequest => ({
  headers: {},
  maxBytes,
  signal,
});
const mapped = () => new OriginError('unavailable', 'It broke.');

function found(bytes: number, more: Partial<FoundObject> = {}): FoundObject & { released: number } {
  const object = {
    contentLength: bytes as number | undefined,
    stream: (async function* () {
      for (let left = bytes; left > 0; left -= 100) yield new Uint8Array(Math.min(100, left));
    })(),
    released: 0,
    release() {
      object.released++;
    },
    ...more,
  };
  return object;
}

test('an object carries what a web server would say of it', async () => {
  const response = objectResponse(
    found(300, {
      contentType: 'image/png',
      cacheControl: 'max-age=60',
      etag: '"abc"',
      lastModified: new Date('2026-11-01T10:00:00Z'),
    }),
    asked(),
    mapped,
  );
  expect(response.status).toBe(200);
  expect(response.headers).toEqual({
    'content-type': 'image/png',
    'content-length': '300',
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=60',
    etag: '"abc"',
    'last-modified': 'Sun, 01 Nov 2026 10:00:00 GMT',
  });
  expect((await response.body.bytes()).length).toBe(300);
});

test('a part is a 206', () => {
  const response = objectResponse(found(10, { contentRange: 'bytes 0-9/300' }), asked(), mapped);
  expect([response.status, response.headers['content-range']]).toEqual([206, 'bytes 0-9/300']);
});

describe('more bytes than allowed', () => {
  test('are refused unread where the length is told', () => {
    const object = found(2_000);
    expect(() => objectResponse(object, asked(), mapped)).toThrow(expect.objectContaining({ code: 'too-large' }));
    expect(object.released).toBe(1);
  });

  test('end the body where it is not', async () => {
    const object = found(2_000, { contentLength: undefined });
    const { body } = objectResponse(object, asked(), mapped);
    await expect(collect(body.stream())).rejects.toMatchObject({ code: 'too-large' });
    expect(object.released).toBeGreaterThan(0);
  });
});

test('a time that is none is not told', async () => {
  const { headers, body } = objectResponse(found(0, { etag: '"a"', lastModified: new Date('?') }), asked(), mapped);
  await body.discard();
  expect(headers).toMatchObject({ etag: '"a"' });
  expect(headers).not.toHaveProperty('last-modified');
});

test('a body that ends short is an error', async () => {
  const { body } = objectResponse(found(100, { contentLength: 200 }), asked(), mapped);
  await expect(body.bytes()).rejects.toMatchObject({ name: 'OriginError', code: 'unavailable' });
});

test('a body that breaks is an error of the origin, unless nobody wants it any more', async () => {
  const controller = new AbortController();
  const broken = (): Partial<FoundObject> => ({
    stream: (async function* () {
      yield new Uint8Array(10);
      throw new Error('socket hang up');
    })(),
  });
  const { body } = objectResponse(found(100, broken()), asked(), mapped);
  await expect(body.bytes()).rejects.toMatchObject({ message: 'It broke.' });

  const reason = new Error('gone');
  controller.abort(reason);
  const other = objectResponse(found(100, broken()), asked(1_000, controller.signal), mapped);
  await expect(other.body.bytes()).rejects.toBe(reason);
});

test('a discarded body frees its connection', async () => {
  const object = found(100);
  await objectResponse(object, asked(), mapped).body.discard();
  expect(object.released).toBe(1);
});
