import { writeSync } from 'node:fs';
import { type StorageAdapter, storageKey } from '@tintype/core';
import { pieces, streamBody } from '../storage/bodies.ts';
import { type CrashPlan, crashBody, crashKeys } from './crash-body.ts';

// Run in a process of its own by `killDuringPuts`, until it is killed. It says what it begins and
// what has resolved, each line in one synchronous write, so that nothing said is lost.

const plan = JSON.parse(process.argv[2] ?? '{}') as CrashPlan;

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const { createAdapter } = (await import(plan.module)) as { createAdapter: (data: unknown) => StorageAdapter };
const adapter = await createAdapter(plan.data);
const context = { signal: new AbortController().signal };
await adapter.open(context);

let number = plan.first;

async function write(writer: number): Promise<never> {
  const keys = crashKeys(plan.prefix, writer);
  for (;;) {
    const mine = number++;
    const key = keys[mine % keys.length] ?? plan.prefix;
    const bytes = crashBody(key, mine);
    say(`begin ${key} ${mine}`);
    const metadata = { encoded: `crash;${mine}`, contentType: 'image/png' };
    const body = streamBody(pieces(bytes), mine % 2 === 0 ? { size: bytes.length } : {});
    await adapter.put(storageKey(key), body, metadata, undefined, context);
    say(`done ${key} ${mine}`);
  }
}

await Promise.all(Array.from({ length: plan.writers }, (_, writer) => write(writer)));
