import type { StorageKey, Version } from '@tintype/core';
import { asserted } from '../../engine/assertions.ts';
import { RequirementBroken } from '../../engine/outcome.ts';
import { pause, settled, turn } from '../../engine/waiting.ts';
import { operationLine, type RegisterCall, type RegisterOperation } from '../../linearizability/history.ts';
import { isLinearizable, smallestCounterExample } from '../../linearizability/register-checker.ts';
import { streamBody } from '../bodies.ts';
import { hasCode, metadataOf, type StorageClient } from '../client.ts';
import { expect, type StorageEnv, type StorageTest } from '../env.ts';

/** The kinds of operations that clients choose from; each stands as often as it should come. */
type Action = 'put' | 'read' | 'stat' | 'delete' | 'create' | 'replace' | 'delete-version' | 'describe';

interface Workload {
  readonly clients: readonly StorageClient[];
  readonly keys: number;
  readonly operations: number;
  readonly actions: readonly Action[];
}

/** A refusal, or an error after which nobody knows whether it took effect. */
function refusalOf(error: unknown): 'refused' | 'unknown' {
  if (hasCode(error, 'precondition-failed')) return 'refused';
  if (hasCode(error, 'conflict', 'rate-limited')) return 'unknown';
  throw error;
}

function writtenValue(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  const value = text.slice(0, text.indexOf(' '));
  // A torn body shows as a value that nobody wrote.
  return text === bodyText(value) ? value : `torn(${text.slice(0, 20)}…, ${bytes.length} bytes)`;
}

function bodyText(value: string): string {
  // Lengths differ from value to value; some are large enough to be streamed.
  const filler = (Number(value.slice(1)) * 7919) % 3;
  return `${value} ${value.padEnd([50, 3_000, 90_000][filler] ?? 50, value)}`;
}

/** Runs a workload and records what every client did and was told. */
async function record(env: StorageEnv, workload: Workload, round: number): Promise<readonly RegisterOperation[]> {
  const operations: RegisterOperation[] = [];
  let clock = 0;
  let values = 0;
  const names = Array.from({ length: workload.keys }, (_, i) => `r${round}/k${i}`);
  const perform = async (client: StorageClient, index: number): Promise<void> => {
    const lastSeen = new Map<StorageKey, Version>();
    for (let i = 0; i < workload.operations; i++) {
      const name = env.random.pick(names);
      const key = env.key(name);
      const action = env.random.pick(workload.actions);
      const value = `v${++values}`;
      const called = ++clock;
      const call = await settled(act(client, key, action, value, lastSeen));
      if (!call.ok) throw call.error;
      const { told, known } = call.value;
      const answered = known ? ++clock : Number.POSITIVE_INFINITY;
      if (told !== undefined)
        operations.push({ client: `client ${index + 1}`, key: name, called, answered, call: told });
      if (env.random.below(3) === 0) await turn();
    }
  };
  const results = await Promise.allSettled(workload.clients.map(perform));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return operations;
}

interface Told {
  readonly told: RegisterCall | undefined;
  readonly known: boolean;
}

async function act(
  client: StorageClient,
  key: StorageKey,
  action: Action,
  value: string,
  lastSeen: Map<StorageKey, Version>,
): Promise<Told> {
  const text = new TextEncoder().encode(bodyText(value));
  const metadata = metadataOf(value);
  const body = Number(value.slice(1)) % 2 === 0 ? text : streamBody([text.subarray(0, 20), text.subarray(20)]);
  const ifVersion = lastSeen.get(key);
  const known = (told: RegisterCall): Told => ({ told, known: true });
  switch (action) {
    case 'read': {
      const seen = await client.read(key);
      if (seen === undefined) return known({ kind: 'read', found: false });
      lastSeen.set(key, seen.version);
      const note = seen.metadata.encoded.replace('v1;tag=', '');
      return known({ kind: 'read', found: true, value: writtenValue(seen.bytes), note, version: seen.version });
    }
    case 'stat': {
      const seen = await client.stat(key);
      if (seen === undefined) return known({ kind: 'read', found: false });
      const note = seen.metadata.encoded.replace('v1;tag=', '');
      return known({ kind: 'read', found: true, note, version: seen.version });
    }
    case 'put': {
      const outcome = await settled(client.put(key, body, { metadata }));
      if (outcome.ok) {
        lastSeen.set(key, outcome.value);
        return known({ kind: 'put', value, version: outcome.value });
      }
      refusalOf(outcome.error);
      return { told: { kind: 'put', value, version: undefined }, known: false };
    }
    case 'delete': {
      const outcome = await settled(client.delete(key));
      if (!outcome.ok) refusalOf(outcome.error);
      return { told: { kind: 'delete' }, known: outcome.ok };
    }
    case 'create': {
      const outcome = await settled(client.put(key, body, { metadata, condition: { ifAbsent: true } }));
      if (outcome.ok) return known({ kind: 'create', value, version: outcome.value, refused: false });
      if (refusalOf(outcome.error) === 'unknown') return { told: undefined, known: false };
      return known({ kind: 'create', value, version: undefined, refused: true });
    }
    case 'replace': {
      if (ifVersion === undefined) return act(client, key, 'read', value, lastSeen);
      const outcome = await settled(client.put(key, body, { metadata, condition: { ifVersion } }));
      if (outcome.ok) {
        lastSeen.set(key, outcome.value);
        return known({ kind: 'replace', value, ifVersion, version: outcome.value, refused: false });
      }
      // `conflict` says that it had no effect; it proves nothing about the version.
      if (refusalOf(outcome.error) === 'unknown') return { told: undefined, known: false };
      return known({ kind: 'replace', value, ifVersion, version: undefined, refused: true });
    }
    case 'delete-version': {
      if (ifVersion === undefined) return act(client, key, 'read', value, lastSeen);
      const outcome = await settled(client.delete(key, { ifVersion }));
      if (outcome.ok) return known({ kind: 'delete-version', ifVersion, refused: false });
      if (refusalOf(outcome.error) === 'unknown') return { told: undefined, known: false };
      return known({ kind: 'delete-version', ifVersion, refused: true });
    }
    case 'describe': {
      const outcome = await settled(client.setMetadata(key, metadata));
      if (!outcome.ok) {
        refusalOf(outcome.error);
        return { told: { kind: 'describe', note: value, version: undefined, found: true }, known: false };
      }
      const version = outcome.value;
      return known({ kind: 'describe', note: value, version, found: version !== undefined });
    }
  }
}

/** Looks at each key on its own: linearizability is local (Herlihy and Wing, theorem 1). */
function check(operations: readonly RegisterOperation[]): void {
  for (const key of new Set(operations.map((operation) => operation.key))) {
    const ofKey = operations.filter((operation) => operation.key === key);
    asserted();
    if (isLinearizable(ofKey)) continue;
    const smallest = smallestCounterExample(ofKey);
    throw new RequirementBroken(
      `No order of ${ofKey.length} operations on one key explains what clients saw. The smallest part that shows it:`,
      smallest.map(operationLine),
    );
  }
}

async function rounds(env: StorageEnv, count: number, workload: Workload): Promise<void> {
  const paced = env.capabilities.minWriteIntervalMs > 0;
  for (let round = 0; round < (paced ? 1 : count); round++) {
    check(await record(env, paced ? { ...workload, operations: 8 } : workload, round));
  }
}

function clientsOf(env: StorageEnv, count: number): StorageClient[] {
  return Array.from({ length: count }, () => env);
}

export const linearizableTests: readonly StorageTest[] = [
  {
    requirement: 'linearizable.register',
    title: '6 clients put, read and delete 2 keys',
    timeoutMs: 120_000,
    run: (env) =>
      rounds(env, env.times(8, 4), {
        clients: clientsOf(env, 6),
        keys: 2,
        operations: 20,
        actions: ['put', 'put', 'read', 'read', 'read', 'stat', 'delete'],
      }),
  },
  {
    requirement: 'linearizable.conditional',
    title: '6 clients with conditional puts and deletes',
    timeoutMs: 120_000,
    run(env) {
      const actions: Action[] = ['put', 'read', 'read', 'replace', 'replace', 'delete'];
      if (env.capabilities.conditionalCreate) actions.push('create');
      if (env.capabilities.conditionalDelete) actions.push('delete-version');
      return rounds(env, env.times(6, 3), { clients: clientsOf(env, 6), keys: 2, operations: 15, actions });
    },
  },
  {
    requirement: 'linearizable.metadata',
    title: '6 clients of which some set metadata',
    timeoutMs: 120_000,
    run: (env) =>
      rounds(env, env.times(6, 3), {
        clients: clientsOf(env, 6),
        keys: 2,
        operations: 15,
        actions: ['put', 'read', 'read', 'stat', 'describe', 'describe', 'delete'],
      }),
  },
  {
    requirement: 'linearizable.across-instances',
    title: '3 clients each of two instances',
    timeoutMs: 120_000,
    async run(env) {
      const other = await env.open(env.sibling());
      await rounds(env, env.times(6, 3), {
        clients: [env, other, env, other, env, other],
        keys: 2,
        operations: 15,
        actions: ['put', 'put', 'read', 'read', 'read', 'stat', 'delete'],
      });
      await env.close(other);
    },
  },
  {
    requirement: 'linearizable.reads-converge',
    title: 'after the last of many writes, reads settle and stay',
    timeoutMs: 120_000,
    async run(env) {
      const key = env.key('settles');
      let bytes = env.random.bytes(10);
      for (let i = 0; i < 10; i++) {
        bytes = env.random.bytes(10 + i);
        await env.put(key, bytes);
        if (i % 3 === 0) await env.read(key);
      }
      await pause(env.settleMs);
      for (let i = 0; i < 10; i++) {
        const seen = await env.read(key);
        const right = seen !== undefined && Buffer.compare(seen.bytes, bytes) === 0;
        expect(right, `${env.settleMs} ms after the last write a read shows something else.`);
        await turn();
      }
      await env.delete(key);
      await pause(env.settleMs);
      for (let i = 0; i < 10; i++) {
        const seen = await env.read(key);
        expect(seen === undefined, `${env.settleMs} ms after its delete an entry is still read.`);
      }
    },
  },
  {
    requirement: 'linearizable.listings-converge',
    title: 'after the last of many writes, listings settle and stay',
    timeoutMs: 120_000,
    async run(env) {
      const keys = Array.from({ length: 20 }, (_, i) => env.key(`l/${String(i).padStart(2, '0')}`));
      for (const key of keys) await env.put(key, new Uint8Array([1]));
      for (const key of keys.slice(0, 10)) await env.delete(key);
      await pause(env.listSettleMs);
      const expected = keys.slice(10).join();
      for (let i = 0; i < 5; i++) {
        const listed = (await env.keys(`${env.prefix}l/`)).join();
        const problem = `${env.listSettleMs} ms after the last write a listing shows something else.`;
        expect(listed === expected, problem);
      }
    },
  },
];
