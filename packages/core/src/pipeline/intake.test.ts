import { expect, test } from 'vitest';
import { Intake } from './intake.ts';

const NEVER = new AbortController().signal;
const UNLIMITED = Number.POSITIVE_INFINITY;

/** Whether it has resolved by now, without waiting for anything that takes time. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => 'settled'), new Promise(setImmediate)])) === 'settled';
}

test('a host is asked for so many at a time; the others do not wait for it', async () => {
  const intake = new Intake({ perHost: 2, total: UNLIMITED, queuePerHost: UNLIMITED });
  const first = await intake.enter('https://slow.example/1', 'transform', NEVER);
  await intake.enter('https://slow.example/2', 'transform', NEVER);
  const third = intake.enter('https://user:secret@SLOW.example/3', 'transform', NEVER);
  expect(await isSettled(third)).toBe(false);
  await intake.enter('https://slow.example:8443/1', 'transform', NEVER);
  await intake.enter('https://other.example/1', 'transform', NEVER);
  first.downloaded();
  await third;
});

test('what is waited for no longer frees its place in the queue', async () => {
  const intake = new Intake({ perHost: 1, total: UNLIMITED, queuePerHost: 1 });
  const first = await intake.enter('https://a.example/1', 'transform', NEVER);
  const client = new AbortController();
  const second = intake.enter('https://a.example/2', 'transform', client.signal);
  await expect(intake.enter('https://a.example/3', 'transform', NEVER)).rejects.toMatchObject({ code: 'overloaded' });
  client.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  const fourth = intake.enter('https://a.example/4', 'transform', NEVER);
  first.done();
  await fourth;
});

test('who finds the queue of its host full is told of the host, and the log of what limits it', async () => {
  const intake = new Intake({ perHost: 1, total: UNLIMITED, queuePerHost: 1 });
  await intake.enter('https://a.example/1', 'transform', NEVER);
  const waits = intake.enter('https://a.example/2', 'transform', NEVER);
  waits.catch(() => undefined);
  const allowed = '1 are asked of it and 1 wait, as many as TINTYPE_MAX_DOWNLOADS_PER_HOST and';
  await expect(intake.enter('https://a.example/3', 'transform', NEVER)).rejects.toMatchObject({
    code: 'overloaded',
    message: 'Too many images wait for the host of this source; try again later.',
    cause: expect.stringContaining(allowed),
  });
  await expect(intake.visit('https://a.example/3', NEVER)).rejects.toMatchObject({
    message: 'Too many requests wait for this origin already; try again later.',
    cause: expect.stringContaining(allowed),
  });
});

test('so many are made at a time, and the next one is told at once; local files have no host', async () => {
  const intake = new Intake({ perHost: 1, total: 2, queuePerHost: UNLIMITED });
  const first = await intake.enter('local:///a.png', 'transform', NEVER);
  const second = await intake.enter('local:///b.png', 'transform', NEVER);
  await expect(intake.enter('https://a.example/1', 'transform', NEVER)).rejects.toMatchObject({ code: 'overloaded' });
  first.downloaded();
  await expect(intake.enter('https://a.example/1', 'transform', NEVER)).rejects.toMatchObject({ code: 'overloaded' });
  first.done();
  first.done();
  await intake.enter('https://a.example/1', 'transform', NEVER);
  second.done();
  expect(intake.making).toBe(1);
});

test('what is done counts once, also where others have taken its place meanwhile', async () => {
  const intake = new Intake({ perHost: 1, total: UNLIMITED, queuePerHost: UNLIMITED });
  const first = await intake.enter('https://a.example/1', 'transform', NEVER);
  first.downloaded();
  await intake.enter('https://a.example/2', 'transform', NEVER);
  first.done();
  expect(await isSettled(intake.enter('https://a.example/3', 'transform', NEVER))).toBe(false);
});

test.each([
  'https://a.example:443/2',
  'http://a.example/2',
  'http://a.example:443/2',
  'https://a.example./2',
  'https://A.EXAMPLE/2',
  'https://%61.example/2',
  'https://a.example\\2',
  'https://user@a.example?2',
])('%s is the host a.example', async (source) => {
  const intake = new Intake({ perHost: 1, total: UNLIMITED, queuePerHost: UNLIMITED });
  await intake.enter('https://a.example/1', 'transform', NEVER);
  expect(await isSettled(intake.enter(source, 'transform', NEVER))).toBe(false);
});

test('buckets are hosts, and what is no URL cannot pass them by', async () => {
  const intake = new Intake({ perHost: 1, total: UNLIMITED, queuePerHost: UNLIMITED });
  await intake.enter('s3://bucket/1', 'transform', NEVER);
  expect(await isSettled(intake.enter('s3://bucket/2', 'transform', NEVER))).toBe(false);
  await intake.enter('s3://other_bucket/1', 'transform', NEVER);
  await intake.enter('https://a b/1', 'transform', NEVER);
  expect(await isSettled(intake.enter('https://a c/1', 'transform', NEVER))).toBe(false);
});

test('raw sources take no place of an image, and are as many at a time themselves', async () => {
  const intake = new Intake({ perHost: UNLIMITED, total: 1, queuePerHost: UNLIMITED });
  const raw = await intake.enter('https://a.example/1', 'raw', NEVER);
  await intake.enter('https://a.example/2', 'transform', NEVER);
  await expect(intake.enter('https://a.example/3', 'raw', NEVER)).rejects.toMatchObject({ code: 'overloaded' });
  raw.done();
  await intake.enter('https://a.example/3', 'raw', NEVER);
  expect(intake.making).toBe(1);
});
