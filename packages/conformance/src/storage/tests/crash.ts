import { storageKey } from '@tintype/core';
import { crashNumber } from '../../crash/crash-body.ts';
import { type CrashRecord, killDuringPuts } from '../../crash/kill-during-puts.ts';
import { asserted } from '../../engine/assertions.ts';
import { Inconclusive, RequirementBroken } from '../../engine/outcome.ts';
import type { StorageClient } from '../client.ts';
import type { StorageEnv, StorageTest } from '../env.ts';

/** Kills several times in a row on the same data, and looks at it with a new instance each time. */
async function kills(
  env: StorageEnv,
  look: (client: StorageClient, record: CrashRecord, prefix: string) => Promise<void>,
): Promise<void> {
  // On data of its own: what a dead process locked may stay locked for a while.
  const own = await env.create();
  const { crash, sibling } = own;
  if (crash === undefined || sibling === undefined) throw new Inconclusive('The harness has no `sibling`.');
  const prefix = `${env.prefix}crash/`;
  let first = 1;
  let total: CrashRecord = { begun: new Map(), done: new Map(), next: first };
  for (let i = 0; i < env.times(2, 1); i++) {
    // The first put of all is killed too, but most kills come when some have resolved.
    const after = i % 3 === 2 ? 'begin' : 'done';
    const record = await killDuringPuts({ ...crash, prefix, writers: 4, first }, after, env.random.below(80));
    first = record.next;
    total = {
      begun: new Map(
        [...new Set([...total.begun.keys(), ...record.begun.keys()])].map((key) => [
          key,
          new Set([...(total.begun.get(key) ?? []), ...(record.begun.get(key) ?? [])]),
        ]),
      ),
      done: new Map([...total.done, ...record.done]),
      next: first,
    };
    const client = await env.open(sibling());
    await look(client, total, prefix);
    await env.close(client);
  }
  if (own.dispose !== undefined) return;
  const client = await env.open(sibling());
  for (const key of total.begun.keys()) await client.delete(storageKey(key));
  await env.close(client);
}

export const crashTests: readonly StorageTest[] = [
  {
    requirement: 'crash.nothing-torn',
    title: 'after SIGKILL every entry is whole, body and metadata of one put',
    timeoutMs: 600_000,
    run: (env) =>
      kills(env, async (client, record) => {
        for (const [key, begun] of record.begun) {
          asserted();
          const seen = await client.read(storageKey(key));
          if (seen === undefined) {
            if (record.done.has(key)) throw new RequirementBroken(`After SIGKILL, ${key} is gone.`);
            continue;
          }
          const number = crashNumber(key, seen.bytes);
          if (number === undefined || !begun.has(number)) {
            throw new RequirementBroken(`After SIGKILL, ${key} has ${seen.bytes.length} bytes that nobody put.`);
          }
          if (seen.metadata.encoded !== `crash;${number}`) {
            throw new RequirementBroken(
              `After SIGKILL, ${key} has the body of put ${number} and the metadata of another.`,
            );
          }
        }
      }),
  },
  {
    requirement: 'crash.resolved-puts-survive',
    title: 'after SIGKILL what had resolved is there, or something newer',
    timeoutMs: 600_000,
    run: (env) =>
      kills(env, async (client, record) => {
        for (const [key, done] of record.done) {
          asserted();
          // The shared key has writers at the same time, whose order is anyone's.
          const ordered = !key.endsWith('shared');
          const seen = await client.read(storageKey(key));
          const number = seen && crashNumber(key, seen.bytes);
          if (seen === undefined || (ordered && number !== undefined && number < done)) {
            throw new RequirementBroken(
              `Put ${done} of ${key} had resolved before SIGKILL; afterwards there is ${seen ? `put ${number}` : 'nothing'}.`,
            );
          }
        }
      }),
  },
  {
    requirement: 'crash.no-debris-in-listings',
    title: 'after SIGKILL a listing shows only what was put, and puts work',
    timeoutMs: 600_000,
    run: (env) =>
      kills(env, async (client, record, prefix) => {
        const foreign = (await client.keys(prefix)).filter((key) => !record.begun.has(key));
        if (foreign.length > 0) throw new RequirementBroken(`After SIGKILL, list shows ${foreign[0]}.`);
        const key = storageKey(`${env.prefix}after/new`);
        const bytes = env.random.bytes(100_000);
        await client.put(key, bytes);
        await client.expectEntry(key, { bytes }, 'after a put that followed SIGKILL');
      }),
  },
];
