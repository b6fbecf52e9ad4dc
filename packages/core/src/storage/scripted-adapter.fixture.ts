import { BufferedBody, collect } from '../bodies.ts';
import type { StorageCapabilities } from '../contracts/capabilities.ts';
import type {
  CheckResult,
  EntryInfo,
  GetOutcome,
  ListedEntry,
  PutCondition,
  StorageAdapter,
  StoredMetadata,
  Version,
} from '../contracts/storage-adapter.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { StorageKey } from '../contracts/storage-key.ts';

interface Kept {
  readonly bytes: Uint8Array;
  readonly metadata: StoredMetadata;
  readonly version: Version;
}

const ALL: StorageCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalMetadata: true,
  conditionalDelete: true,
  ranges: false,
  versionCoversMetadata: true,
  readConsistency: { kind: 'strong', scope: 'store' },
  listConsistency: { kind: 'strong', scope: 'store' },
  evicts: false,
  durability: 'none',
  nativeExpiry: false,
  maxObjectBytes: 1_000_000,
  maxMetadataBytes: 4_000,
  minWriteIntervalMs: 0,
};

type Step = (proceed: () => Promise<unknown>) => unknown;

/**
 * A storage over a map whose next calls can be scripted: each step sees the call and decides whether,
 * when and with what it goes on. For what no real backend can be made to show on demand.
 */
export class ScriptedAdapter implements StorageAdapter {
  readonly capabilities: StorageCapabilities;
  readonly entries = new Map<string, Kept>();
  readonly calls: string[] = [];
  #script = new Map<string, Step[]>();
  #versions = 0;

  constructor(capabilities: Partial<StorageCapabilities> = {}) {
    this.capabilities = { ...ALL, ...capabilities };
  }

  /** The next call of `operation` runs `step` instead. */
  next(operation: string, step: Step): this {
    const steps = this.#script.get(operation) ?? [];
    steps.push(step);
    this.#script.set(operation, steps);
    return this;
  }

  /** The next call of `operation` rejects. */
  fail(operation: string, error: unknown): this {
    return this.next(operation, () => Promise.reject(error));
  }

  open(): Promise<void> {
    return this.#call('open', async () => undefined);
  }

  close(): Promise<void> {
    return this.#call('close', async () => undefined);
  }

  get(key: StorageKey): Promise<GetOutcome> {
    return this.#call('get', async () => {
      const kept = this.entries.get(key);
      if (kept === undefined) return undefined;
      const { bytes, metadata, version } = kept;
      const body = new BufferedBody(bytes);
      return { kind: 'entry' as const, metadata, version, size: bytes.length, range: undefined, body };
    });
  }

  stat(key: StorageKey): Promise<EntryInfo | undefined> {
    return this.#call('stat', async () => {
      const kept = this.entries.get(key);
      return kept && { metadata: kept.metadata, version: kept.version, size: kept.bytes.length };
    });
  }

  put: StorageAdapter['put'] = (key, body, metadata, condition) =>
    this.#call('put', async () => {
      const bytes = await collect(body.stream());
      this.#check(key, condition);
      const version = `v${++this.#versions}` as Version;
      this.entries.set(key, { bytes: Uint8Array.from(bytes), metadata, version });
      return version;
    });

  setMetadata: StorageAdapter['setMetadata'] = (key, metadata, condition) =>
    this.#call('setMetadata', async () => {
      this.#check(key, condition);
      const kept = this.entries.get(key);
      if (kept === undefined) return undefined;
      const version = `v${++this.#versions}` as Version;
      this.entries.set(key, { ...kept, metadata, version });
      return version;
    });

  delete: StorageAdapter['delete'] = (key) =>
    this.#call('delete', async () => {
      this.entries.delete(key);
    });

  async *list(prefix: string, after: StorageKey | undefined): AsyncGenerator<ListedEntry, void> {
    await this.#call('list', async () => undefined);
    for (const key of [...this.entries.keys()].sort()) {
      if (!key.startsWith(prefix) || (after !== undefined && key <= after)) continue;
      await this.#call('row', async () => undefined);
      const kept = this.entries.get(key);
      if (kept) yield { key: key as StorageKey, size: kept.bytes.length, version: kept.version, modifiedAt: 0 };
    }
  }

  check(): Promise<CheckResult> {
    return this.#call('check', async () => ({ ok: true as const, summary: 'scripted' }));
  }

  #check(key: StorageKey, condition: PutCondition | undefined): void {
    if (condition === undefined || 'ifAbsent' in condition) return;
    if (this.entries.get(key)?.version === condition.ifVersion) return;
    throw new StorageError({ code: 'precondition-failed', message: 'It is another version.' });
  }

  async #call<T>(operation: string, proceed: () => Promise<T>): Promise<T> {
    this.calls.push(operation);
    const step = this.#script.get(operation)?.shift();
    return (await (step ? step(proceed) : proceed())) as T;
  }
}
