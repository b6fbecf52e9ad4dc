import { describe, expect, it } from 'vitest';
import { hideSecrets, redactTarget } from './redaction.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64url');

describe('a target in the log', () => {
  it('lacks its signature', () => {
    expect(redactTarget('/oKfUtW34Dvo2BGQe/rs:fill:300:200/plain/local:///a.jpg@webp')).toBe(
      '/***/rs:fill:300:200/plain/local:///a.jpg@webp',
    );
  });

  it.each([
    '/unsafe/w:1/plain/local:///a.jpg',
    '/insecure/w:1/plain/local:///a.jpg',
    '/_/w:1/plain/https://host/a.jpg@png',
    '/livez',
    '/favicon.ico',
    `/unsafe/w:1/${base64('https://example.com/a.jpg')}.png`,
    `/unsafe/${base64('https://example.com/a.jpg?size=large')}`,
    '/unsafe/plain/s3://bucket%2Fkey.jpg@webp',
  ])('is shown whole if it holds no secret: %s', (target) => {
    expect(redactTarget(target)).toBe(target);
  });

  it.each([
    ['/unsafe/plain/http://user:pw@host/a.jpg@webp', '/unsafe/plain/http://***@host/a.jpg@webp'],
    ['/unsafe/plain/http://token@host/a.jpg', '/unsafe/plain/http://***@host/a.jpg'],
    ['/unsafe/plain/http:/user:pw@host/a.jpg', '/unsafe/plain/http:/***@host/a.jpg'],
    ['/unsafe/plain/http://a/http://user:pw@host/', '/unsafe/plain/http://a/http://***@host/'],
    ['/unsafe/plain/http:%2f%2Fuser%3Apw%40host%2Fa.jpg', '/unsafe/plain/http:%2f%2F***%40host%2Fa.jpg'],
    ['/unsafe/plain/http%3A%2F%2Fu:p@x%40host%2Fa.jpg', '/unsafe/plain/http%3A%2F%2F***%40host%2Fa.jpg'],
    ['http://user:pw@host/a', 'http://***@host/a'],
    [
      '/_/raw:1/plain/http%3A%2F%2Fa%2Fr%3Fto%3Dhttp%253A%252F%252Fuser%253Apw%2540b%252F',
      '/_/raw:1/plain/http%3A%2F%2Fa%2Fr%3Fto%3Dhttp%253A%252F%252F***%2540b%252F',
    ],
    ['/_/plain/http://user:p%23w@host/a.jpg', '/_/plain/http://***@host/a.jpg'],
    ['/_/plain/http:/user:p%2Fw@host/a.jpg', '/_/plain/http:/***@host/a.jpg'],
    ['/_/plain/http%3A//user%3Ap%2Fw@host/a.jpg', '/_/plain/http%3A//***@host/a.jpg'],
    ['/_/plain/http://to%2Fken@host/a.jpg@webp', '/_/plain/http://***@host/a.jpg@webp'],
  ])('lacks the userinfo of its source: %s', (target, shown) => {
    expect(redactTarget(target)).toBe(shown);
  });

  it.each([
    ['/_/plain/s3://b/k?X-Amz-Signature=abc&x=1', '/_/plain/s3://b/k?X-Amz-Signature=***&x=1'],
    [
      '/_/plain/https://h/k%3FX-Amz-Credential%3DAK%2F1%26w%3D5',
      '/_/plain/https://h/k%3FX-Amz-Credential%3D***%26w%3D5',
    ],
    ['/_/plain/https://h/k%253Ftoken%253Dabc', '/_/plain/https://h/k%253Ftoken%253D***'],
    ['/_/x?access_token=abc.def&a=b', '/_/x?access_token=***&a=b'],
    ['/_/x?sv=2020&sig=abc%3D', '/_/x?sv=2020&sig=***'],
    ['/demo/a.jpg?ik-t=9&ik-s=0123', '/***/a.jpg?ik-t=9&ik-s=***'],
  ])('lacks what grants access in a query: %s', (target, shown) => {
    expect(redactTarget(target)).toBe(shown);
  });

  it('lacks a base64 source that holds a secret, chunked or not', () => {
    const source = base64('https://user:password@example.com/a.jpg');
    const chunked = `${source.slice(0, 16)}/${source.slice(16, 32)}/${source.slice(32)}`;
    expect(redactTarget(`/unsafe/w:1/${source}.png`)).toBe('/unsafe/w:1/***');
    expect(redactTarget(`/unsafe/w:1/${base64('https://user:p%2Fw%3F%23@h/a.jpg')}.png`)).toBe('/unsafe/w:1/***');
    expect(redactTarget(`/unsafe/w:1/h:2/${chunked}`)).toBe('/unsafe/w:1/h:2/***');
    expect(redactTarget(`/unsafe/${base64('https://h/a?X-Amz-Signature=abc')}`)).toBe('/unsafe/***');
    expect(redactTarget(`/unsafe/${base64('https://to%2Fken@h/a.jpg')}`)).toBe('/unsafe/***');
  });

  it('lacks a base64 source that holds a secret, whatever stands around it', () => {
    const source = base64('https://user:password@example.com/a.jpg');
    expect(redactTarget(`/unsafe/w%3A1/${source}`)).toBe('/unsafe/w%3A1/***');
    expect(redactTarget(`/unsafe/w%3a1/${source}`)).toBe('/unsafe/w%3a1/***');
    expect(redactTarget(`/unsafe/${source}?x=/plain/`)).toBe('/unsafe/***');
  });

  it.each(['abcd', 'small', 'square', 'preview', 'thumb-2x'])(
    'lacks a base64 source that holds a secret and follows the name of a preset: %s',
    (preset) => {
      const source = base64('https://user:password@example.com/a.jpg');
      expect(redactTarget(`/unsafe/${preset}/${source}.png`)).toBe('/unsafe/***');
      const harmless = `/unsafe/${preset}/${base64('https://example.com/a.jpg?size=large')}`;
      expect(redactTarget(harmless)).toBe(harmless);
    },
  );

  it('of an endpoint lacks the signature behind the endpoint’s path, where there is one', () => {
    const signed = '/oKfUtW34Dvo2BGQe/w:1/plain/a.jpg';
    expect(redactTarget(`/photos${signed}`, '/photos'.length)).toBe('/photos/***/w:1/plain/a.jpg');
    expect(redactTarget('/photos/2024/a.jpg', -1)).toBe('/photos/2024/a.jpg');
    expect(redactTarget('/photos/2024/a.jpg?token=abc', -1)).toBe('/photos/2024/a.jpg?token=***');
    expect(redactTarget(`/${'a'.repeat(10_000)}`, -1)).toHaveLength(2_049);
  });

  it('is cut when it is very long', () => {
    expect(redactTarget(`/_/${'a'.repeat(10_000)}`)).toHaveLength(2_049);
  });

  it('takes time in proportion to its length', () => {
    const hostile = [
      '/',
      ':/',
      '://a:',
      '://%3a',
      '/%3a',
      'a@b',
      '%3a%2f',
      '%253a%252f',
      '%25253a%25252f%253a%252f',
      '?token',
      '?a-token',
      '%25',
      'x-amz-',
      ':/@',
      '@/',
      'bearer ',
      ' ',
    ];
    const before = process.threadCpuUsage();
    for (const part of hostile) redactTarget(`/_/${part.repeat(16_000 / part.length)}%`);
    // Of the processor: what other programs take is no fault.
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1_000_000).toBeLessThan(1);
  });
});

it.each([
  ['connect https://u:p@host/x?token=abc failed', 'connect https://***@host/x?token=*** failed'],
  ['sent Authorization: Bearer eyJhbGciOi.J9_x-y to it', 'sent Authorization: Bearer *** to it'],
  ['{"authorization":"Basic YWxpY2U6c2VjcmV0"}', '{"authorization":"Basic ***"}'],
  ["{ authorization: 'Basic YWxpY2U6c2VjcmV0' }", "{ authorization: 'Basic ***' }"],
  [
    'Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101, Signature=abc\nHost: x',
    'Authorization: AWS4-HMAC-SHA256 ***\nHost: x',
  ],
  ['Authorization: SharedKey account:c2lnbmF0dXJl', 'Authorization: SharedKey ***'],
  ['X-Auth-Token: gAAAAABm and more', 'X-Auth-Token: ***'],
  ['with bearer abcdefgh refused', 'with bearer *** refused'],
  ['Name=a;AccountKey=c2VjcmV0;Suffix=b', 'Name=a;AccountKey=***'],
  ['Endpoint=sb://a/;SharedAccessKey=c2VjcmV0', 'Endpoint=sb://a/;SharedAccessKey=***'],
  ['the bearer token is too old; authorization: none', 'the bearer token is too old; authorization: none'],
])('text of errors lacks secrets too: %j', (text, shown) => {
  expect(hideSecrets(text)).toBe(shown);
});
