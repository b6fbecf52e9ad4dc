import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { StorageError } from '../contracts/storage-error.ts';
import { asForbiddenListing, type ServiceFailure, type ServiceFailures, toStorageError } from './storage-failure.ts';

const failures: ServiceFailures = {
  service: 'Acme',
  noun: 'bucket',
  byCode: { NoSuchBucket: ['misconfigured', 'there is no such bucket'], SlowDown: ['rate-limited', 'slower'] },
  byStatus: { 403: ['access-denied', 'this is not allowed'], 413: ['too-large', 'a quota is used up'] },
  read: (error) => error as ServiceFailure,
};

const put = { bucket: 'photos', write: true };

function failureOf(failure: ServiceFailure, context = put): StorageError {
  const error = toStorageError(failures, failure, context);
  if (!StorageError.is(error)) throw error;
  return error;
}

describe('the meaning of a failure', () => {
  test.each<[string, Partial<ServiceFailure>, string, string]>([
    ['what was read of it', { verdict: ['closed', 'it was closed'], code: 'SlowDown' }, 'closed', 'it was closed'],
    ['the word of the service', { code: 'NoSuchBucket', status: 404 }, 'misconfigured', 'there is no such bucket'],
    ['a word that is none of its own', { code: 'toString', status: 403 }, 'access-denied', 'this is not allowed'],
    ['the network', { network: 'ECONNREFUSED' }, 'unavailable', 'the connection was refused'],
    ['a status as the service means it', { status: 413 }, 'too-large', 'a quota is used up'],
    ['a status as everybody means it', { status: 507 }, 'no-space', 'the service has no space left'],
    ['another failure of a server', { status: 599 }, 'unavailable', 'the service failed'],
    ['another refusal', { status: 418 }, 'internal', 'the service refused the request'],
    ['an answer that cannot be read', { status: 200 }, 'unavailable', 'the answer is not what Acme answers'],
    ['nothing that is known', { code: 'TypeError' }, 'internal', 'in an unforeseen way'],
  ])('is that of %s', (_, failure, code, sentence) => {
    const error = failureOf({ message: 'No.', ...failure });
    expect(error).toMatchObject({ code, message: expect.stringContaining(`Acme bucket photos: `) });
    expect(error.message).toContain(sentence);
  });
});

test.each<[ServiceFailure, string]>([
  [{ code: 'SlowDown', status: 503, trace: 'request 7', message: '' }, '(SlowDown, HTTP 503, request 7).'],
  [{ status: 500, message: '' }, '(HTTP 500).'],
  [{ code: 'FetchError', network: 'ECONNRESET', message: '' }, '(ECONNRESET).'],
  [{ step: 'login', status: 401, message: '' }, '(login, HTTP 401).'],
  [{ message: '' }, '(Error).'],
])('%o is told by all that helps to find it', (failure, end) => {
  expect(failureOf(failure).message).toMatch(new RegExp(`${end.replace(/[().]/g, '\\$&')}$`));
});

describe('whether a write has happened', () => {
  test.each<[string, Partial<ServiceFailure>, 'no' | 'unknown']>([
    ['refused', { status: 403 }, 'no'],
    ['throttled', { status: 503, code: 'SlowDown' }, 'no'],
    ['not known there', { status: 501 }, 'no'],
    ['failed', { status: 500 }, 'unknown'],
    ['answered by what cannot be read', { status: 200 }, 'unknown'],
    ['never sent', { network: 'ECONNREFUSED', syscall: 'connect' }, 'no'],
    ['never answered', { network: 'ECONNRESET', syscall: 'read' }, 'unknown'],
    ['not begun, because what comes before it failed', { step: 'login', status: 500 }, 'no'],
  ])('%s: %s', (_, failure, applied) => {
    expect(failureOf({ message: '', ...failure }).applied).toBe(applied);
    expect(failureOf({ message: '', ...failure }, { ...put, write: false }).applied).toBe('no');
  });
});

test('Retry-After is told in milliseconds, and makes of unavailable that less is asked for', () => {
  const failure = failureOf({ status: 503, retryAfter: '7', message: '' });
  expect([failure.code, failure.retryAfterMs, failure.applied]).toEqual(['rate-limited', 7_000, 'unknown']);
  const { code, retryAfterMs } = failureOf({ status: 403, retryAfter: '7', message: '' });
  expect([code, retryAfterMs]).toEqual(['access-denied', 7_000]);
});

test('nothing of the library error but what was read of it gets into an error', () => {
  const original = Object.assign(new Error('with a-token'), { config: { token: 'a-token' } });
  const read = () => ({ code: 'FetchError', network: 'ECONNRESET', message: 'broken off' });
  const error = toStorageError({ ...failures, read }, original, put);
  expect(error).toMatchObject({ cause: { name: 'FetchError', message: 'broken off' } });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('a-token');
});

test('what is a failure of a storage already, or a reason to give up, stays what it is', () => {
  const known = new StorageError({ code: 'conflict', message: 'Another one.' });
  expect(toStorageError(failures, known, put)).toBe(known);
  const reason = new Error('gone');
  expect(toStorageError(failures, known, { ...put, signal: AbortSignal.abort(reason) })).toBe(reason);
});

test('a forbidden listing says what to do instead', () => {
  const forbidden = failureOf({ status: 403, message: '' });
  expect(asForbiddenListing(forbidden, 'Allow it.')).toMatchObject({ code: 'access-denied', message: 'Allow it.' });
  const reason = new Error('gone');
  expect(asForbiddenListing(reason, 'Allow it.')).toBe(reason);
});
