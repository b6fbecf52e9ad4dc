import { expect, test, vi } from 'vitest';
import { Identity, type LogIn } from './identity.ts';
import type { Login } from './login.ts';

const credentials = {
  username: 'u',
  apiKey: 'k',
  authUrl: 'http://127.0.0.1:9/v3',
  authVersion: 3,
  tenant: undefined,
  domain: undefined,
  region: undefined,
} as const;
const signal = new AbortController().signal;

/** Logins that are answered by hand, and a clock. */
function desk({ timeoutMs = 0, lifeMs = 3_600_000 } = {}) {
  const clock = { now: 1_000_000 };
  const asked: PromiseWithResolvers<Login>[] = [];
  const logIn: LogIn = async (_credentials, limit) => {
    const answer = Promise.withResolvers<Login>();
    limit.addEventListener('abort', () => answer.reject(limit.reason));
    asked.push(answer);
    return answer.promise;
  };
  const give = async (token: string) => {
    asked.at(-1)?.resolve({ token, storageUrl: 'http://127.0.0.1:9/v1/a', expiresAt: clock.now + lifeMs });
    await Promise.resolve();
  };
  const identity = new Identity(credentials, timeoutMs, logIn, () => clock.now);
  return { identity, clock, asked, give };
}

/** What is under way comes to where it waits. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('eight first requests are one login', async () => {
  const { identity, asked, give } = desk();
  const eight = Promise.all(Array.from({ length: 8 }, () => identity.current(signal)));
  await give('one');
  expect(new Set((await eight).map(({ token }) => token))).toEqual(new Set(['one']));
  expect(asked).toHaveLength(1);
});

test('a login is used until a tenth of its life is left, then replaced while it still works', async () => {
  const { identity, clock, asked, give } = desk({ lifeMs: 100_000 });
  const first = identity.current(signal);
  await give('one');
  await first;
  clock.now += 89_000;
  await identity.current(signal);
  expect(asked).toHaveLength(1);
  clock.now += 2_000;
  expect((await identity.current(signal)).token).toBe('one');
  expect((await identity.current(signal)).token).toBe('one');
  expect(asked).toHaveLength(2);
  await give('two');
  await settle();
  expect((await identity.current(signal)).token).toBe('two');
  expect(asked).toHaveLength(2);
});

test('as long as a token works, a failing replacement is nobody’s failure, and tried again in a while', async () => {
  const { identity, clock, asked, give } = desk({ lifeMs: 100_000 });
  const first = identity.current(signal);
  await give('one');
  await first;
  clock.now += 91_000;
  await identity.current(signal);
  asked.at(-1)?.reject(new Error('the identity service is down'));
  await settle();
  expect((await identity.current(signal)).token).toBe('one');
  expect(asked).toHaveLength(2);
  clock.now += 5_000;
  await identity.current(signal);
  expect(asked).toHaveLength(3);
});

test('one that has ended is not used', async () => {
  const { identity, clock, give } = desk({ lifeMs: 100_000 });
  const first = identity.current(signal);
  await give('one');
  await first;
  clock.now += 100_000;
  const second = identity.current(signal);
  await give('two');
  expect((await second).token).toBe('two');
});

test('eight refusals of one token are one new login, and a late one does not take the new login away', async () => {
  const { identity, asked, give } = desk();
  const first = identity.current(signal);
  await give('one');
  const one = await first;
  const eight = Promise.all(Array.from({ length: 8 }, () => identity.instead(one, signal)));
  await settle();
  await give('two');
  expect(new Set((await eight).map(({ token }) => token))).toEqual(new Set(['two']));
  expect((await identity.instead(one, signal)).token).toBe('two');
  expect(asked).toHaveLength(2);
});

test('who gives up ends no more than their own waiting', async () => {
  const { identity, asked, give } = desk();
  const controller = new AbortController();
  const impatient = identity.current(controller.signal);
  const patient = identity.current(signal);
  const reason = new Error('gave up');
  controller.abort(reason);
  await expect(impatient).rejects.toBe(reason);
  await give('one');
  expect((await patient).token).toBe('one');
  expect(asked).toHaveLength(1);
});

test('a login has a time limit, and the next one is another attempt', async () => {
  vi.useFakeTimers();
  try {
    const { identity, asked, give } = desk({ timeoutMs: 60_000 });
    const late = identity.current(signal).catch((error) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await late).toMatchObject({ name: 'LoginError', trouble: { late: true } });
    const next = identity.current(signal);
    await give('two');
    expect((await next).token).toBe('two');
    expect(asked).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});

test('closing breaks a login off', async () => {
  const { identity } = desk();
  const waiting = identity.current(signal);
  identity.close();
  await expect(waiting).rejects.toMatchObject({ trouble: { closed: true } });
});
