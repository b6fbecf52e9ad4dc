import { RequestError } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { readSource } from './source.ts';

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

function refusal(text: string): string {
  try {
    readSource(text, '');
  } catch (error) {
    if (RequestError.is(error) && error.status === 400) return error.message;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('a plain source', () => {
  test.each([
    ['plain/https://example.com/a.jpg', 'https://example.com/a.jpg', ''],
    ['plain/https://example.com/a.jpg@webp', 'https://example.com/a.jpg', 'webp'],
    ['plain/https://example.com/a.jpg@', 'https://example.com/a.jpg', ''],
    ['plain/https%3A%2F%2Fexample.com%2Fa.jpg%3Fv=1%26w=2@png', 'https://example.com/a.jpg?v=1&w=2', 'png'],
    ['plain/https://user%40host/a.jpg', 'https://user@host/a.jpg', ''],
    ['plain/https://example.com/a%2520b.jpg', 'https://example.com/a%20b.jpg', ''],
    ['plain/https://example.com/caf%C3%A9.jpg', 'https://example.com/café.jpg', ''],
    ['plain/https://example.com//double//slash.jpg', 'https://example.com//double//slash.jpg', ''],
    ['plain/https://example.com/a/../b.jpg', 'https://example.com/a/../b.jpg', ''],
    ['plain/https://example.com/w:1/a.jpg', 'https://example.com/w:1/a.jpg', ''],
    ['plain/local:///cats/1.jpg', 'local:///cats/1.jpg', ''],
    ['plain/s3://bucket/plain/a+b.jpg', 's3://bucket/plain/a+b.jpg', ''],
  ])('%s is taken exactly, after one decoding', (text, source, extension) => {
    expect(readSource(text, '')).toEqual({ source, extension });
  });

  test.each([
    ['plain/http:/example.com/a.jpg', 'http://example.com/a.jpg'],
    ['plain/local:/cats/1.jpg', 'local:///cats/1.jpg'],
    ['plain/s3:/bucket/a.jpg', 's3://bucket/a.jpg'],
    ['plain/http://example.com/b:/c.jpg', 'http://example.com/b:/c.jpg'],
  ])('%s gets back the slashes after its scheme, and only these', (text, source) => {
    expect(readSource(text, '').source).toBe(source);
  });

  test.each([
    ['plain/', 'empty'],
    ['plain', 'empty'],
    ['plain/@png', 'empty'],
    ['plain/https://a@b/c.jpg@png', 'more than one @'],
    ['plain/https://example.com/%zz', 'percent-escape'],
    ['plain/https://example.com/%', 'percent-escape'],
    ['plain/https://example.com/%FF.jpg', 'percent-escape'],
    ['plain/https://example.com/%00.jpg', 'control character'],
    ['plain/https://example.com/a%0d%0ahost:b', 'control character'],
    ['plain/https://example.com/%7f', 'control character'],
    ['plain/cats/1.jpg', 'not an absolute URL'],
    ['plain/javascript:alert(1)', 'not an absolute URL'],
  ])('%s is refused', (text, reason) => {
    expect(refusal(text)).toContain(reason);
  });
});

describe('a base64 source', () => {
  const url = 'https://example.com/images/curiosity.jpg';
  const digits = encode(url);

  test.each([
    [digits, ''],
    [`${digits}.png`, 'png'],
    [`${digits}.`, ''],
    [`${digits}==`, ''],
    [`${digits}=.png`, 'png'],
    [`${digits.slice(0, 16)}/${digits.slice(16, 32)}/${digits.slice(32)}.png`, 'png'],
    [`${digits}.pn/g`, 'png'],
  ])('%s is understood', (text, extension) => {
    expect(readSource(text, '')).toEqual({ source: url, extension });
  });

  test.each([
    ['', 'empty'],
    ['.png', 'empty'],
    ['/', 'empty'],
    [`${digits}.png.jpg`, 'more than one dot'],
    [`${digits}+`, 'not URL-safe base64'],
    ['aHR0cDovL2EvYg*', 'not URL-safe base64'],
    ['aHR0cDovL2E=aaa', 'not URL-safe base64'],
    ['a', 'not URL-safe base64'],
    ['====', 'not URL-safe base64'],
    [encode(Uint8Array.of(0x68, 0x74, 0xff, 0xfe)), 'not URL-safe base64 of UTF-8'],
    [encode('http://a/\u0000'), 'control character'],
    [encode('cats/1.jpg'), 'not an absolute URL'],
    [encode('user:secret@example.com/1.jpg'), 'not an absolute URL'],
  ])('%s is refused, and not repeated: it may hide a password', (text, reason) => {
    expect(refusal(text)).toContain(reason);
    expect(refusal(text)).not.toMatch(/aHR0c|secret|cats/);
  });
});
