import { describe, expect, test } from 'vitest';
import { answerFromEntry } from './answer.ts';
import { evaluateConditions, revalidationFields, unconditionalFields } from './conditional.ts';
import { after, dateAfter, entryOf, fields, NOW } from './exchange.fixture.ts';
import { fieldValue } from './fields.ts';
import { createPolicy } from './policy.ts';

const policy = createPolicy({ storePartial: true });
const dates = `Date: ${dateAfter(0)}\nLast-Modified: ${dateAfter(-3000)}`;
const entry = entryOf(`Cache-Control: max-age=100\nETag: "a"\nContent-Type: image/png\nContent-Length: 10\n${dates}`);

const get = (request: string, of = entry, method = 'GET') =>
  answerFromEntry(of, { method, fields: fields(request) }, 10, after(5), policy);
const statusOf = (request: string, of = entry, method = 'GET') => get(request, of, method)?.status;

describe('conditions (RFC 9110 §13.2.2)', () => {
  test.each([
    ['If-None-Match: "a"', 304],
    ['If-None-Match: W/"a"', 304],
    ['If-None-Match: "x", "a", "y"', 304],
    ['If-None-Match: "x,", W/"a"', 304],
    ['If-None-Match: *', 304],
    ['If-None-Match: "b"', 200],
    ['If-None-Match: a', 200],
    [`If-Modified-Since: ${dateAfter(-3000)}`, 304],
    [`If-Modified-Since: ${dateAfter(-2000)}`, 304],
    [`If-Modified-Since: ${dateAfter(-3001)}`, 200],
    ['If-Modified-Since: 0', 200],
    ['If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT', 304],
  ])('%s: %i', (request, status) => {
    expect(statusOf(request)).toBe(status);
  });

  test('If-None-Match counts alone', () => {
    expect(statusOf(`If-None-Match: "b"\nIf-Modified-Since: ${dateAfter(0)}`)).toBe(200);
    expect(statusOf(`If-None-Match: "a"\nIf-Modified-Since: ${dateAfter(-9999)}`)).toBe(304);
  });

  test('without Last-Modified a cache compares Date (RFC 9111 §4.3.2)', () => {
    const undated = entryOf(`Cache-Control: max-age=100\nDate: ${dateAfter(-10)}`);
    expect(statusOf(`If-Modified-Since: ${dateAfter(-10)}`, undated)).toBe(304);
    expect(statusOf(`If-Modified-Since: ${dateAfter(-11)}`, undated)).toBe(200);
  });

  test('an error has no conditions and no ranges', () => {
    const missing = entryOf('Cache-Control: max-age=100\nETag: "a"', {}, '', 404);
    expect(statusOf('If-None-Match: "a"\nRange: bytes=0-1', missing)).toBe(404);
  });

  test('a 304 keeps what a client must know and leaves out what describes a body', () => {
    const names = get('If-None-Match: "a"')?.fields.map(([name]) => name);
    expect(names).toEqual(['Cache-Control', 'ETag', 'Date', 'Last-Modified', 'Age']);
  });

  test('who has the resource itself honours If-Match and If-Unmodified-Since, and a cache does not', () => {
    const selected = { fields: entry.fields, receivedAt: NOW };
    const of = (request: string, role: 'cache' | 'origin', method = 'GET') =>
      evaluateConditions({ method, fields: fields(request) }, selected, role);
    expect(of('If-Match: "b"', 'origin')).toBe('precondition-failed');
    expect(of('If-Match: W/"a"', 'origin')).toBe('precondition-failed');
    expect(of('If-Match: "b", "a"', 'origin')).toBe('proceed');
    expect(of(`If-Unmodified-Since: ${dateAfter(-3001)}`, 'origin')).toBe('precondition-failed');
    expect(of(`If-Match: "a"\nIf-Unmodified-Since: ${dateAfter(-3001)}`, 'origin')).toBe('proceed');
    expect(of('If-None-Match: *', 'origin', 'PUT')).toBe('precondition-failed');
    expect(of('If-Match: "b"', 'cache')).toBe('proceed');
  });

  test('the origin is asked with the stored validators, and not with the client’s conditions', () => {
    expect(revalidationFields(entry.fields)).toEqual([
      ['If-None-Match', '"a"'],
      ['If-Modified-Since', dateAfter(-3000)],
    ]);
    const client = fields('Accept: a/b\nIf-None-Match: "x"\nIf-Range: "x"\nRange: bytes=0-1\nIf-Match: "y"');
    expect(unconditionalFields(client)).toEqual([['Accept', 'a/b']]);
  });
});

describe('ranges (RFC 9110 §14)', () => {
  const span = (request: string, of = entry) => {
    const answer = get(request, of);
    return answer === undefined
      ? 'forward'
      : answer.span === undefined
        ? answer.status
        : `${answer.span.first}-${answer.span.last}`;
  };

  test.each([
    ['bytes=0-1', '0-1'],
    ['bytes=1-', '1-9'],
    ['bytes=-1', '9-9'],
    ['bytes=-99', '0-9'],
    ['bytes=8-99', '8-9'],
    ['BYTES=0-1', '0-1'],
    ['bytes=0-1,2-3', '0-3'],
    ['bytes=0-1,5-6', 200],
    ['bytes=10-', 416],
    ['bytes=-0', 416],
    ['bytes=5-4', 200],
    ['bytes=a-b', 200],
    ['bytes=-', 200],
    ['lines=0-1', 200],
    [`bytes=${'0-0,'.repeat(17)}`, 200],
  ])('%s: %s', (range, expected) => {
    expect(span(`Range: ${range}`)).toBe(expected);
  });

  test('a part says where it lies and how long it is', () => {
    const answer = get('Range: bytes=2-4');
    expect(answer?.status).toBe(206);
    expect(fieldValue(answer?.fields ?? [], 'content-range')).toBe('bytes 2-4/10');
    expect(fieldValue(answer?.fields ?? [], 'content-length')).toBe('3');
    expect(fieldValue(get('Range: bytes=10-')?.fields ?? [], 'content-range')).toBe('bytes */10');
  });

  test('what cannot be answered is nobody else’s answer: a cache on the way must not keep it for the URL', () => {
    const long = entryOf(
      `Cache-Control: max-age=600\nCDN-Cache-Control: max-age=900\nSurrogate-Control: max-age=9\nExpires: ${dateAfter(600)}\nVary: Foo`,
    );
    const { status, fields: sent = [] } = get('Range: bytes=10-', long) ?? {};
    expect(status).toBe(416);
    expect(fieldValue(sent, 'cache-control')).toBe('no-store');
    for (const name of ['cdn-cache-control', 'surrogate-control', 'expires', 'age']) {
      expect(fieldValue(sent, name)).toBeUndefined();
    }
    expect([fieldValue(sent, 'content-length'), fieldValue(sent, 'vary')]).toEqual(['0', 'Foo']);
  });

  test('HEAD has no ranges', () => {
    expect(get('Range: bytes=0-1', entry, 'HEAD')).toMatchObject({ status: 200, body: false });
  });

  test('conditions come before ranges', () => {
    expect(span('If-None-Match: "a"\nRange: bytes=0-1')).toBe(304);
  });

  test.each([
    ['"a"', '0-1'],
    ['"b"', 200],
    ['W/"a"', 200],
    [dateAfter(-3000), '0-1'],
    [dateAfter(-2999), 200],
    ['x', 200],
  ])('If-Range: %s: %s', (value, expected) => {
    expect(span(`Range: bytes=0-1\nIf-Range: ${value}`)).toBe(expected);
  });

  test('a date that may have been in the same second as the response names no bytes (§8.8.2.2)', () => {
    const young = entryOf(`Cache-Control: max-age=9\nDate: ${dateAfter(0)}\nLast-Modified: ${dateAfter(0)}`);
    expect(span(`Range: bytes=0-1\nIf-Range: ${dateAfter(0)}`, young)).toBe(200);
  });
});

describe('a stored part (RFC 9111 §3.3)', () => {
  const part = (contentRange: string, more = '', range = 'bytes=4-8', options = {}) =>
    entryOf(
      `Cache-Control: max-age=9\nContent-Range: ${contentRange}\n${more}`,
      { storePartial: true, ...options },
      `Range: ${range}`,
      206,
    );
  const body = (request: string, of = part('bytes 4-8/10')) => {
    const answer = get(request, of);
    return answer?.span === undefined
      ? 'forward'
      : `${fieldValue(answer.fields, 'content-range')} at ${answer.span.first}-${answer.span.last}`;
  };

  test.each([
    ['Range: bytes=4-8', 'bytes 4-8/10 at 0-4'],
    ['Range: bytes=6-8', 'bytes 6-8/10 at 2-4'],
    ['Range: bytes=6-', 'bytes 6-8/10 at 2-4'],
    ['Range: bytes=3-5', 'forward'],
    ['Range: bytes=8-9', 'forward'],
    ['Range: bytes=-1', 'forward'],
    ['Range: bytes=4-5,7-8', 'forward'],
    ['', 'forward'],
  ])('from 4 to 8 of 10 answers %j: %s', (request, expected) => {
    expect(body(request)).toBe(expected);
  });

  test('of a whole whose size is unknown answers the same question, and what has both ends', () => {
    const unknown = part('bytes 4-8/*', '', 'bytes=-5');
    expect(body('Range: bytes=-5', unknown)).toBe('bytes 4-8/* at 0-4');
    expect(body('Range: bytes=5-6', unknown)).toBe('bytes 5-6/* at 1-2');
    expect(body('Range: bytes=5-', unknown)).toBe('forward');
  });

  test.each(['bytes 4-8/8', 'bytes 8-4/10', 'bytes 4-8', 'x', 'bytes */10'])(
    'that says %s is not stored',
    (contentRange) => {
      expect(() => part(contentRange)).toThrow(/status/);
    },
  );

  test('whose length contradicts its place is not stored, unless its end may be moved', () => {
    expect(() => part('bytes 4-9/10', 'Content-Length: 5')).toThrow(/status/);
    expect(() => part('bytes 4-9/10', 'Content-Length: 7', '', { shortPart: 'clip' })).toThrow(/status/);
    expect(part('bytes 4-9/10', 'Content-Length: 5', 'bytes=-5', { shortPart: 'clip' }).part).toEqual({
      first: 4,
      last: 8,
      complete: 10,
      asked: 'bytes=-5',
    });
  });
});

test('an answer has a truthful Age and the Date of the response', () => {
  const aged = entryOf('Cache-Control: max-age=600\nAge: 30');
  expect(fieldValue(get('', aged)?.fields ?? [], 'age')).toBe('35');
  expect(fieldValue(get('', aged)?.fields ?? [], 'date')).toBe(dateAfter(0));
});
