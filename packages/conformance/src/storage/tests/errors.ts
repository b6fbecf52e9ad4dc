import { collect, StorageError, type Version } from '@tintype/core';
import { asserted } from '../../engine/assertions.ts';
import { Inconclusive, NotApplicable, RequirementBroken } from '../../engine/outcome.ts';
import { Patience } from '../../engine/patience.ts';
import { pause, type Settled, settled, within } from '../../engine/waiting.ts';
import { streamBody } from '../bodies.ts';
import { bytesDiffer, hasCode, metadataOf } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';
import type { Misconfiguration, Sabotage } from '../harness.ts';

const NO_SUCH_VERSION = 'no-such-version' as Version;
/** How long connections may take to end, and operations to be given up, in milliseconds: on a slow machine much longer than elsewhere. */
const SLOWLY_MS = 15_000;

/** Refusals that every storage can be brought to give. */
async function refusals(env: StorageEnv): Promise<readonly [string, Settled<unknown>][]> {
  const key = env.key('present');
  await env.given(key, env.random.bytes(10));
  const bytes = env.random.bytes(10);
  const ifVersion = NO_SUCH_VERSION;
  return [
    ['put if absent over an entry', await settled(env.put(key, bytes, { condition: { ifAbsent: true } }))],
    ['put with an unknown version', await settled(env.put(key, bytes, { condition: { ifVersion } }))],
    ['setMetadata with an unknown version', await settled(env.setMetadata(key, metadataOf('x'), { ifVersion }))],
    ['delete with an unknown version', await settled(env.delete(key, { ifVersion }))],
  ];
}

type Damage = 'unreadable' | 'flipByte' | 'truncate';

/** @throws NotApplicable where the harness cannot do this damage: the test then says so. */
function sabotageThatCan<D extends Damage>(env: StorageEnv, damage: D): Sabotage & Required<Pick<Sabotage, D>> {
  const { sabotage } = env.subject;
  if (sabotage?.[damage] === undefined) throw new NotApplicable(`the harness has no \`sabotage.${damage}\``);
  return sabotage as Sabotage & Required<Pick<Sabotage, D>>;
}

async function damageIsNoticed(env: StorageEnv, damage: 'flipByte' | 'truncate'): Promise<void> {
  const sabotage: Sabotage = sabotageThatCan(env, damage);
  for (const size of [1000, 300_000]) {
    const bytes = env.random.bytes(size);
    const key = env.key(`${damage.toLowerCase()}/${size}`);
    await env.given(key, bytes);
    await env.supposed('the entry can be damaged', async () => sabotage[damage]?.(key));
    const seen = await settled(env.read(key));
    const differ = seen.ok && seen.value !== undefined ? bytesDiffer(seen.value.bytes, bytes) : undefined;
    expect(differ === undefined, `After ${damage} a body of ${size} bytes was read with ${differ}, and no error.`);
  }
  await sabotage.undo?.();
}

/** The wrong ways to the storage that the harness names. */
async function wrongWays(env: StorageEnv): Promise<readonly Misconfiguration[]> {
  const wrong = (await env.subject.misconfigured?.()) ?? [];
  if (wrong.length === 0) throw new NotApplicable('the harness’s `misconfigured` names no wrong settings');
  return wrong;
}

export const errorsTests: readonly StorageTest[] = [
  {
    requirement: 'errors.are-storage-errors',
    title: 'refusals are StorageErrors, not retryable, not applied',
    async run(env) {
      for (const [what, outcome] of await refusals(env)) {
        // That it is refused at all is the business of conditions.
        if (outcome.ok) continue;
        const { error } = outcome;
        if (!StorageError.is(error)) throw new RequirementBroken(`${what} rejected with ${String(error)}.`);
        expect(typeof error.message === 'string' && error.message.length > 0, `${what} rejected without a message.`);
        if (error.code === 'precondition-failed' || error.code === 'unsupported') {
          expect(!error.retryable, `${what}: ${error.code} says it is retryable.`);
          expect(error.applied === 'no', `${what}: ${error.code} says it may have been applied.`);
        }
      }
    },
  },
  {
    requirement: 'errors.failure-is-not-a-miss',
    title: 'an entry that cannot be read rejects get and stat',
    async run(env) {
      const sabotage = sabotageThatCan(env, 'unreadable');
      const key = env.key('unreadable');
      await env.given(key, env.random.bytes(1000));
      await env.supposed('the entry can be made unreadable', () => sabotage.unreadable(key));
      const got = await settled(env.read(key));
      const stat = await settled(env.stat(key));
      await sabotage.undo?.();
      expect(!got.ok || got.value !== undefined, 'get called an entry that cannot be read a miss.');
      expect(!stat.ok || stat.value !== undefined, 'stat called an entry that cannot be read a miss.');
    },
  },
  {
    requirement: 'errors.damage-is-noticed',
    title: 'a changed byte is not delivered',
    run: (env) => damageIsNoticed(env, 'flipByte'),
  },
  {
    requirement: 'errors.damage-is-noticed',
    title: 'a body cut off is not delivered as whole',
    run: (env) => damageIsNoticed(env, 'truncate'),
  },
  {
    requirement: 'errors.damage-stays-local',
    title: 'beside an entry that was cut off, others are listed, and it can be replaced',
    async run(env) {
      const sabotage = sabotageThatCan(env, 'truncate');
      const names = ['l/a', 'l/b', 'l/c'];
      for (const name of names) await env.given(env.key(name), env.random.bytes(1000));
      const damaged = env.key('l/b');
      await env.supposed('the entry can be damaged', () => sabotage.truncate(damaged));
      const listed = await settled(env.keys(`${env.prefix}l/`));
      const bytes = env.random.bytes(2000);
      const removed = await settled(env.delete(damaged));
      const again = await settled(env.put(damaged, bytes));
      await sabotage.undo?.();
      if (!listed.ok) throw new RequirementBroken(`A listing failed on one damaged entry: ${listed.error}`);
      for (const name of ['l/a', 'l/c']) {
        expect(listed.value.includes(env.key(name)), `Beside a damaged entry, list does not show ${env.key(name)}.`);
      }
      expect(removed.ok, 'A damaged entry cannot be deleted.');
      expect(again.ok, 'Where a damaged entry was, nothing can be put.');
    },
  },
  {
    requirement: 'errors.misconfiguration-has-its-code',
    title: 'each wrong way to the storage has its own code',
    timeoutMs: 120_000,
    async run(env) {
      for (const wrong of await wrongWays(env)) {
        const outcome = await settled(async () => {
          await within(env.operationTimeoutMs, 'open()', wrong.adapter.open(env.context()));
          const got = await within(
            env.operationTimeoutMs,
            'get()',
            Promise.resolve(wrong.adapter.get(env.key('x'), undefined, env.context())),
          );
          return got;
        });
        await settled(wrong.adapter.close());
        if (outcome.ok) throw new RequirementBroken(`With ${wrong.name}, open and get work.`);
        const { error } = outcome;
        const code = StorageError.is(error) ? error.code : String(error);
        expect(
          wrong.codes.includes(code as StorageError['code']),
          `With ${wrong.name} it rejected with ${code} instead of ${wrong.codes.join(' or ')}.`,
        );
      }
    },
  },
  {
    requirement: 'errors.check-explains',
    title: 'check says why a storage cannot be used',
    timeoutMs: 120_000,
    async run(env) {
      for (const wrong of await wrongWays(env)) {
        await settled(within(env.operationTimeoutMs, 'open()', wrong.adapter.open(env.context())));
        const outcome = await settled(within(env.operationTimeoutMs, 'check()', wrong.adapter.check(env.context())));
        await settled(wrong.adapter.close());
        if (!outcome.ok) throw new RequirementBroken(`With ${wrong.name}, check rejected: ${String(outcome.error)}`);
        const result = outcome.value;
        if (result.ok) throw new RequirementBroken(`With ${wrong.name}, check says that all is well.`);
        expect(
          result.problem.trim().includes(' '),
          `With ${wrong.name}, check explains ${JSON.stringify(result.problem)}.`,
        );
      }
    },
  },
  {
    requirement: 'errors.hold-no-secret',
    title: 'messages and causes hold no credential',
    timeoutMs: 120_000,
    async run(env) {
      const ways = await wrongWays(env);
      if (ways.every(({ secrets = [] }) => secrets.length === 0)) {
        const reason = env.subject.without?.secrets;
        throw new NotApplicable(
          reason ? `does not apply: ${reason}` : 'the harness’s `misconfigured` names no secrets',
        );
      }
      for (const wrong of ways) {
        const texts: string[] = [];
        const opened = await settled(within(env.operationTimeoutMs, 'open()', wrong.adapter.open(env.context())));
        if (!opened.ok) texts.push(...messagesOf(opened.error));
        const got = await settled(async () => wrong.adapter.get(env.key('x'), undefined, env.context()));
        if (!got.ok) texts.push(...messagesOf(got.error));
        const checked = await settled(wrong.adapter.check(env.context()));
        texts.push(...(checked.ok ? [JSON.stringify(checked.value)] : messagesOf(checked.error)));
        await settled(wrong.adapter.close());
        for (const secret of wrong.secrets ?? []) {
          const holder = texts.find((text) => text.includes(secret));
          expect(holder === undefined, `With ${wrong.name}, a message holds a credential.`);
        }
      }
    },
  },
];

function messagesOf(error: unknown): string[] {
  const messages: string[] = [];
  for (let cause = error, depth = 0; cause !== undefined && depth < 5; depth++) {
    messages.push(String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}

/** An error that says: try again. */
function expectRetryable(what: string, outcome: Settled<unknown>, ...codes: readonly string[]): StorageError {
  asserted();
  if (outcome.ok) throw new RequirementBroken(`${what} did not reject.`);
  const { error } = outcome;
  if (!StorageError.is(error)) throw new RequirementBroken(`${what} rejected with ${String(error)}.`);
  expect(codes.includes(error.code), `${what} rejected with ${error.code} instead of ${codes.join(' or ')}.`);
  expect(error.retryable, `${what}: ${error.code} says it is not retryable.`);
  return error;
}

/** Tests whose bad weather the fault proxy makes. */
export const networkTests: readonly StorageTest[] = [
  {
    requirement: 'errors.throttling',
    title: '429 and 503 with Retry-After',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        for (const status of [429, 503]) {
          proxy.script({ fault: { kind: 'status', status, headers: { 'retry-after': '7' } } });
          for (const [what, outcome] of [
            ['get', await settled(client.read(key))],
            ['put', await settled(client.put(key, new Uint8Array(10)))],
          ] as const) {
            const error = expectRetryable(`A ${what} answered ${status}`, outcome, 'rate-limited', 'unavailable');
            expect(error.retryAfterMs === 7_000, `Retry-After: 7 became ${error.retryAfterMs} ms.`);
          }
          proxy.clear();
        }
      }),
  },
  {
    requirement: 'errors.server-failure',
    title: '500 for reads and writes',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        proxy.script({ fault: { kind: 'status', status: 500 } });
        expectRetryable('A get answered 500', await settled(client.read(key)), 'unavailable');
        expectRetryable('A put answered 500', await settled(client.put(key, new Uint8Array(10))), 'unavailable');
        expectRetryable('A delete answered 500', await settled(client.delete(key)), 'unavailable');
      }),
  },
  {
    requirement: 'errors.lost-request',
    title: 'a connection reset before anything was answered',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        proxy.script({ fault: { kind: 'reset-before' } });
        expectRetryable('A get', await settled(client.read(key)), 'unavailable', 'timeout');
        expectRetryable('A put', await settled(client.put(key, new Uint8Array(10))), 'unavailable', 'timeout');
      }),
  },
  {
    requirement: 'errors.lost-answer',
    title: 'a put that the server took and whose answer was lost',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        proxy.script({ fault: { kind: 'reset-after' }, methods: ['PUT', 'POST'] });
        const outcome = await settled(client.put(key, new Uint8Array(10).fill(9)));
        const error = expectRetryable('A put', outcome, 'unavailable', 'timeout');
        expect(error.applied === 'unknown', `A put whose answer was lost says applied: ${error.applied}.`);
      }),
  },
  {
    requirement: 'errors.truncated-body',
    title: 'a body cut off by the network',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        proxy.script({ fault: { kind: 'truncate', bytes: 1000 }, methods: ['GET'] });
        const outcome = await settled(client.read(key));
        expect(!outcome.ok, 'A body that was cut off after 1,000 bytes ended without an error.');
      }),
  },
  {
    requirement: 'errors.garbage',
    title: 'an answer that is no HTTP',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        proxy.script({ fault: { kind: 'garbage' } });
        const outcome = await settled(client.read(key));
        expect(!outcome.ok, 'A get answered with garbage resolved.');
        expect(StorageError.is(outcome.error), `It rejected with ${String(outcome.error)}.`);
      }),
  },
  {
    requirement: 'errors.silence-can-be-aborted',
    title: 'a server that says nothing, and one that drips',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        for (const fault of [{ kind: 'silence' }, { kind: 'drip', bytes: 1, everyMs: 100 }] as const) {
          proxy.script({ fault });
          const controller = new AbortController();
          const reason = new Error('waited long enough');
          const reading = settled(async () => {
            const outcome = await client.adapter.get(key, undefined, client.context(controller.signal));
            if (outcome?.kind === 'entry') await collect(outcome.body.stream());
          });
          setTimeout(() => controller.abort(reason), 100);
          const what = `A get from a server with ${fault.kind}, aborted after 100 ms,`;
          const outcome = await within(Math.min(SLOWLY_MS, env.operationTimeoutMs), what, reading);
          expect(!outcome.ok, `A get from a server with ${fault.kind} resolved.`);
          // Its own time-out came to the rescue of one that does not hear of the abort.
          expect(!hasCode(outcome.error, 'timeout'), `${what} rejected with ${String(outcome.error)}.`);
          proxy.clear();
        }
      }),
  },
  {
    requirement: 'errors.leave-no-connection',
    title: 'after failures of every kind close leaves nothing, and the storage recovers',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        for (const fault of [
          { kind: 'status', status: 500 },
          { kind: 'reset-before' },
          { kind: 'truncate', bytes: 10 },
          { kind: 'garbage' },
        ] as const) {
          proxy.script({ fault });
          await settled(client.read(key));
          await settled(client.put(key, streamBody([new Uint8Array(200_000)])));
        }
        proxy.clear();
        await client.put(key, new Uint8Array(10).fill(3));
        await client.expectEntry(key, { bytes: new Uint8Array(10).fill(3) }, 'once the network works');
        await env.close(client);
        const patience = new Patience(Math.min(SLOWLY_MS, env.operationTimeoutMs));
        while (proxy.openSockets > 0 && !patience.isOver) await pause(10);
        expect(proxy.openSockets === 0, `${proxy.openSockets} connections are open after close.`);
      }),
  },
  {
    requirement: 'errors.no-retries-of-its-own',
    title: 'one failing request is one request',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        proxy.script({ fault: { kind: 'status', status: 503 } });
        const operations: readonly (readonly [string, () => Promise<unknown>])[] = [
          ['get', () => client.read(key)],
          ['stat', () => client.stat(key)],
          ['put', () => client.put(key, new Uint8Array(10))],
        ];
        for (const [what, operation] of operations) {
          const before = proxy.requests.length;
          await settled(operation);
          const sent = proxy.requests.length - before;
          expect(sent === 1, `A failing ${what} sent ${sent} requests.`);
        }
      }),
  },
  {
    requirement: 'resources.one-request-per-get',
    title: 'a hit and a miss are one request each',
    emulated: true,
    run: (env) =>
      behindProxy(env, async (client, proxy, key) => {
        await client.read(key);
        for (const name of [key, env.key('miss')]) {
          const before = proxy.requests.length;
          await client.read(name);
          const sent = proxy.requests.length - before;
          expect(sent === 1, `A get sent ${sent} requests.`);
        }
      }),
  },
];

type Proxy = Awaited<ReturnType<NonNullable<StorageEnv['subject']['network']>>>['proxy'];

/** Opens the storage through the proxy, with one entry of 100 KB in it. */
async function behindProxy(
  env: StorageEnv,
  test: (
    client: Awaited<ReturnType<StorageEnv['open']>>,
    proxy: Proxy,
    key: ReturnType<StorageEnv['key']>,
  ) => Promise<void>,
): Promise<void> {
  const network = await env.supposed('the harness sets up a proxy', async () => env.subject.network?.());
  if (network === undefined) throw new Inconclusive('The harness set up no proxy.');
  const { adapter, proxy } = network;
  try {
    const client = await env.supposed('it opens through the proxy', () => env.open(adapter));
    const key = env.key('behind');
    await client.given(key, env.random.bytes(100_000));
    await test(client, proxy, key);
    proxy.clear();
  } finally {
    proxy.clear();
    await env.closeRest();
    await proxy.close();
  }
}
