import type { CacheStorage, StorageAdapter, StorageErrorCode, StorageKey, StorageOptions } from '@tintype/core';
import type { FaultProxy } from '../proxy/fault-proxy.ts';

/** What the suite tells a harness about the run. */
export interface HarnessContext {
  /** Unique for the run, `[a-z0-9-]`: for names of buckets and folders. */
  readonly runId: string;
}

/** A way to a storage that must not work. */
export interface Misconfiguration {
  /** `wrong credentials`, `missing bucket`, … */
  readonly name: string;
  readonly adapter: StorageAdapter;
  /** The codes that fit. */
  readonly codes: readonly StorageErrorCode[];
  /** Texts that no message may hold. */
  readonly secrets?: readonly string[];
}

/** Damage that only someone with access to the backend itself can do. Each resolves when it is done. */
export interface Sabotage {
  /** Makes reading the entry fail without removing it (permissions, a folder in its place). */
  unreadable?(key: StorageKey): Promise<void>;
  /** Changes one byte of the stored body. */
  flipByte?(key: StorageKey): Promise<void>;
  /** Cuts the stored body to half its length. */
  truncate?(key: StorageKey): Promise<void>;
  /** Undoes everything, so that the entries can be deleted. */
  undo?(): Promise<void>;
}

/** How the crash harness makes an adapter in a process that it kills. */
export interface CrashSetup {
  /**
   * URL of a module whose `createAdapter(data)` gives an unopened adapter on the same data. It is
   * imported in a bare `node` process, without a test runner: so it must not be the test file, nor
   * import a runner; TypeScript is fine where Node runs it as it is.
   */
  readonly module: string;
  /** Passed to it; survives JSON. */
  readonly data: unknown;
}

/** What a harness may be able to do besides making an adapter. */
export type HookName = 'sibling' | 'leaks' | 'sabotage' | 'misconfigured' | 'network' | 'crash' | 'capped';

/** One storage under test: an adapter, and what its harness can do besides. */
export interface StorageSubject {
  /** Fresh and unopened. The suite opens and closes it. */
  readonly adapter: StorageAdapter;
  /** Bytes of the operator's prefix, if the adapter puts one before keys: they count against 512. */
  readonly prefixBytes?: number;
  /** Another unopened adapter on the same data. */
  sibling?(): StorageAdapter;
  /**
   * Unopened adapters on the same data whose operator prefix is `prefix`, which ends in `Ab/` or `ab/`.
   * Without it the suite puts core's `prefixed` around the adapter, which is what a proxy does.
   */
  prefixed?(prefix: string): StorageAdapter;
  /** What is open or left over: sockets, handles, temporary files, uploads, each in a few words. */
  leaks?(): Promise<readonly string[]> | readonly string[];
  readonly sabotage?: Sabotage;
  misconfigured?(): Promise<readonly Misconfiguration[]> | readonly Misconfiguration[];
  /** An unopened adapter on the same data that speaks to its server through a fault proxy. */
  network?(): Promise<{ readonly adapter: StorageAdapter; readonly proxy: FaultProxy }>;
  readonly crash?: CrashSetup;
  /** A storage on data of its own that keeps at most about `maxBytes`. The suite disposes of it. */
  capped?(maxBytes: number): Promise<StorageSubject> | StorageSubject;
  /**
   * Why the storage has no use for a hook, as a clause: `{ network: 'memory has no network' }`. Its
   * tests are then skipped as "does not apply", not as something that is missing.
   */
  readonly without?: Readonly<Partial<Record<HookName | 'secrets', string>>>;
  /** The public side to be tested around the adapter, where it isn’t core’s `createStorage`. */
  readonly publicSide?: (adapter: StorageAdapter, options: StorageOptions) => CacheStorage;
  /** Removes what `create` made, the data included if it made a place for it. */
  dispose?(): Promise<void> | void;
}

/**
 * What an author writes once for an adapter: how to make one.
 *
 * @example
 * storageConformance({
 *   name: 'memory',
 *   harness: { create: () => ({ adapter: new MemoryStorage({ maxBytes: 0 }) }) },
 *   runner: { describe, test },
 * });
 */
export interface StorageHarness {
  create(context: HarnessContext): Promise<StorageSubject> | StorageSubject;
  /** Longest time for one operation, in milliseconds. Default 10,000. */
  readonly operationTimeoutMs?: number;
}
