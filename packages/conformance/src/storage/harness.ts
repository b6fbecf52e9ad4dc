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

/** Something that can happen to the entry of a key behind the storage’s back. */
export interface Mishap {
  /** What has happened, as a clause: `a byte of its header is changed`. */
  readonly name: string;
  /** Lets it happen; resolves when it has. */
  befall(key: StorageKey): Promise<void>;
}

/** A further way to damage an entry. */
export interface Damage extends Mishap {
  /** `stat` has to notice as well, because it reads what was damaged. */
  readonly showsInStat?: boolean;
}

/** A failure of the backend as a whole, or of the part in which a key lies. */
export interface Outage extends Mishap {
  /** All of it is gone: no listing can work either, and `check` has to say why. */
  readonly isWhole: boolean;
}

/** Damage that only someone with access to the backend itself can do. Each resolves when it is done. */
export interface Sabotage {
  /** Makes reading the entry fail without removing it (permissions, a folder in its place). */
  unreadable?(key: StorageKey): Promise<void>;
  /** Changes one byte of the stored body. */
  flipByte?(key: StorageKey): Promise<void>;
  /** Cuts the stored body to half its length. */
  truncate?(key: StorageKey): Promise<void>;
  /** Other damage, as the backend’s own way of storing suggests it: to headers, to what refers to the body. */
  readonly damages?: readonly Damage[];
  /** Ways in which the backend can be out of order while the storage is open; `undo` ends them. */
  readonly outages?: readonly Outage[];
  /** Puts things that are no entries beside the entry, as a careless operator would. */
  strangers?(key: StorageKey): Promise<void>;
  /**
   * Makes the place in which the entry lies lead elsewhere: a symbolic link among its folders.
   *
   * @returns tells what was changed there since, each in a few words.
   */
  detour?(key: StorageKey): Promise<() => Promise<readonly string[]>>;
  /** Does what others do to a storage that they take for dead: sweeps away what it has begun and not finished. */
  sweep?(): Promise<void>;
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

/** Hooks of `sabotage` for which a storage may have no use. */
export type MishapHook = 'damages' | 'outages' | 'strangers' | 'detour' | 'sweep';

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
  readonly without?: Readonly<Partial<Record<HookName | MishapHook | 'secrets', string>>>;
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
  /**
   * Longest time for one operation, in milliseconds; default 10,000. Bodies above 1 MiB get more, and on a machine that is
   * busy with other things all do, up to twenty times as much.
   */
  readonly operationTimeoutMs?: number;
}
