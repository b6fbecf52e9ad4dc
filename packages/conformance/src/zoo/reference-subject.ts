import type { CheckResult, OperationContext, StorageCapabilities, StorageErrorCode } from '@tintype/core';
import { StorageError } from '@tintype/core';
import type { Misconfiguration, StorageSubject } from '../storage/harness.ts';
import { ReferenceData, ReferenceStorage } from './reference-storage.ts';

/** The constructor of the reference and of whatever is derived from it. */
export type ReferenceConstructor = new (
  data?: ReferenceData,
  capabilities?: Partial<StorageCapabilities>,
  prefix?: string,
) => ReferenceStorage;

const SECRET = 'hunter2-hunter2';

/** A reference whose `open` fails as with wrong settings. */
export class MisconfiguredStorage extends ReferenceStorage {
  code: StorageErrorCode = 'access-denied';

  override async open(_context: OperationContext): Promise<void> {
    throw new StorageError({ code: this.code, message: 'The key id or the secret is wrong: check the credentials.' });
  }

  override async check(): Promise<CheckResult> {
    return { ok: false, summary: 'reference storage', problem: 'The key id or the secret is wrong: check both.' };
  }
}

export function misconfiguredWith(Wrong: new () => MisconfiguredStorage): readonly Misconfiguration[] {
  const missing = new Wrong();
  missing.code = 'misconfigured';
  return [
    { name: 'wrong credentials', adapter: new Wrong(), codes: ['access-denied'], secrets: [SECRET] },
    { name: 'a missing bucket', adapter: missing, codes: ['misconfigured'] },
  ];
}

/** A subject over the reference, or over a faulty class derived from it, with every hook. */
export function referenceSubject(
  Faulty: ReferenceConstructor = ReferenceStorage,
  capabilities: Partial<StorageCapabilities> = {},
  wrong: new () => MisconfiguredStorage = MisconfiguredStorage,
  data: ReferenceData = new ReferenceData(),
): StorageSubject {
  const adapter = new Faulty(data, capabilities);
  return {
    adapter,
    sibling: () => new Faulty(data, capabilities),
    prefixed: (prefix) => new Faulty(data, capabilities, prefix),
    leaks: () => adapter.leaks(),
    misconfigured: () => misconfiguredWith(wrong),
    sabotage: {
      async unreadable(key) {
        data.unreadable.add(adapter.full(key));
      },
      async flipByte(key) {
        const stored = data.entries.get(adapter.full(key));
        if (stored === undefined) return;
        const bytes = stored.bytes.slice();
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        data.entries.set(adapter.full(key), { ...stored, bytes });
        data.tampered.add(adapter.full(key));
      },
      async truncate(key) {
        const stored = data.entries.get(adapter.full(key));
        if (stored === undefined) return;
        data.entries.set(adapter.full(key), { ...stored, bytes: stored.bytes.slice(0, stored.bytes.length >> 1) });
        data.tampered.add(adapter.full(key));
      },
      damages: [
        {
          name: 'its metadata were changed',
          async befall(key) {
            const stored = data.entries.get(adapter.full(key));
            if (stored === undefined) return;
            const metadata = { ...stored.metadata, encoded: 'v1;tag=forged' };
            data.entries.set(adapter.full(key), { ...stored, metadata });
            data.tampered.add(adapter.full(key));
          },
        },
      ],
      outages: [
        {
          name: 'the backend answers nothing',
          isWhole: true,
          async befall() {
            data.outage = true;
          },
        },
      ],
      async strangers(key) {
        data.strangers.add(`${adapter.full(key)}.stranger`);
      },
      async detour(key) {
        const full = adapter.full(key);
        const changes: string[] = [];
        data.detour = { prefix: full.slice(0, full.lastIndexOf('/') + 1), changes };
        return async () => changes;
      },
      async sweep() {
        data.sweeps += 1;
      },
      async undo() {
        data.outage = false;
        data.detour = undefined;
        data.strangers.clear();
        data.unreadable.clear();
        for (const key of data.tampered) data.entries.delete(key);
        data.tampered.clear();
      },
    },
  };
}
