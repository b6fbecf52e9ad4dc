import { describe, expect, it } from 'vitest';
import type { ProxyRequest } from '../contracts/proxy.ts';
import { Secret } from './secret.ts';

const secret = new Secret('s3cret with spaces');

function request(authorization: string | undefined): ProxyRequest {
  return {
    method: 'GET',
    target: '/unsafe/plain/local:///a.jpg',
    headers: { accept: '*/*', ...(authorization === undefined ? {} : { authorization }) },
    ...(authorization === undefined ? {} : { rawHeaders: ['Accept', '*/*', 'Authorization', authorization] }),
    signal: new AbortController().signal,
  };
}

describe('a secret', () => {
  it.each(['Bearer s3cret with spaces', 'bearer s3cret with spaces', 'BEARER   s3cret with spaces'])(
    'lets pass who carries it, and goes no further: %s',
    (field) => {
      expect(secret.check(request(field))).toMatchObject({
        request: { headers: { accept: '*/*' }, rawHeaders: ['Accept', '*/*'], target: '/unsafe/plain/local:///a.jpg' },
      });
      expect(JSON.stringify(secret.check(request(field)))).not.toContain('s3cret');
    },
  );

  it.each([
    undefined,
    '',
    's3cret with spaces',
    'Bearer',
    'Bearer ',
    'Bearer S3cret with spaces',
    'Bearer s3cret with spaces ',
    'Bearer s3cret',
    'Basic s3cret with spaces',
    'Bearer s3cret with spaces, Bearer s3cret with spaces',
  ])('refuses everybody else with 403: %s', (field) => {
    const checked = secret.check(request(field));
    expect(checked).toMatchObject({ refusal: { status: 403, problem: { code: 'bad-secret' } } });
    expect('refusal' in checked && checked.refusal.headers['cache-control']).toBe('no-store');
  });
});
