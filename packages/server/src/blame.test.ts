import { OriginError, RequestError, StorageError, TransformError } from '@tintype/core';
import { describe, expect, it } from 'vitest';
import { blameFor, reasonFor } from './blame.ts';

const stored = (code: ConstructorParameters<typeof StorageError>[0]['code']) =>
  new StorageError({ code, message: '.' });

describe('who must act', () => {
  it.each([
    ['an error that Tintype does not know', 'internal', new TypeError('x is not a function'), 'defect'],
    ['something thrown that is no error', 'body-broken', 'oops', 'defect'],
    ['a defect of a transform', 'internal', new TransformError('internal', '.'), 'defect'],
    ['a defect of a cache', 'cache-internal', stored('internal'), 'defect'],
    ['no room for a transform', 'overloaded', new TransformError('overloaded', '.'), 'circumstances'],
    ['a transform that takes too long', 'timeout', new TransformError('timeout', '.'), 'circumstances'],
    ['a transforming process that ended', 'crashed', new TransformError('crashed', '.'), 'circumstances'],
    ['a source that is not there', 'source-not-found', undefined, 'circumstances'],
    ['a source that does not answer', 'origin-unavailable', new OriginError('unavailable', '.'), 'circumstances'],
    ['a source that may not be read', 'origin-misconfigured', new OriginError('misconfigured', '.'), 'operator'],
    ['a source that was busy', 'origin-busy', new RequestError(503, 'origin-busy', '.'), 'circumstances'],
    ['a cache that hangs', 'cache-timeout', stored('timeout'), 'circumstances'],
    ['a cache without space', 'cache-no-space', stored('no-space'), 'operator'],
    ['a cache that denies access', 'cache-access-denied', stored('access-denied'), 'operator'],
    ['a client that does not read', 'client-stalled', undefined, 'circumstances'],
  ])('after %s', (_, code, cause, blame) => {
    expect(blameFor({ code, cause })).toBe(blame);
  });
});

describe('the reason', () => {
  it('is one line of the error and its causes', () => {
    const system = Object.assign(new Error("EACCES: permission denied,\n open '/a.jpg'"), { code: 'EACCES' });
    const error = new OriginError('misconfigured', 'The server is not allowed to read this source.', { cause: system });
    expect(reasonFor(error)).toBe(
      "The server is not allowed to read this source: EACCES: permission denied, open '/a.jpg'",
    );
  });

  it('says once what is quoted', () => {
    expect(reasonFor(new Error('It failed (no route).', { cause: new Error('no route') }))).toBe(
      'It failed (no route).',
    );
  });

  it('has the code of an error without a message', () => {
    const failed = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
    expect(reasonFor(new Error('Not reachable.', { cause: failed }))).toBe('Not reachable: ECONNREFUSED');
  });

  it('hides secrets and has an end', () => {
    const text = reasonFor(new Error(`https://user:pw@host/${'a'.repeat(9_000)}`)) ?? '';
    expect(text).toMatch(/^https:\/\/\*\*\*@host\/a+…$/);
    expect(text.length).toBeLessThan(2_100);
  });

  it('ends also where errors are causes of each other', () => {
    const [one, other] = [new Error('one'), new Error('other')];
    one.cause = other;
    other.cause = one;
    expect(reasonFor(one)).toBe('one: other');
  });

  it('is none where there is no error', () => {
    expect(reasonFor(undefined)).toBeUndefined();
  });
});
