import {
  type Awaitable,
  type CacheStorage,
  type Capacity,
  type CapacityLimits,
  type CheckResult,
  type ConditionalOptions,
  definePlugin,
  type EntryMetadata,
  type GetHit,
  type GetOptions,
  type GetRangeNotSatisfiable,
  type ListedEntry,
  type ListOptions,
  type OperationOptions,
  type Plugin,
  type PutInput,
  type PutOptions,
  type StatResult,
  type StorageCapabilities,
  type StorageCounters,
  type StorageHealth,
  type Transformer,
  type TransformRequest,
  type TransformResult,
  tokens,
  type Version,
} from '@tintype/core';
import { TransformPool } from '@tintype/workers';

interface Part {
  open(): Promise<void>;
  close(): Promise<void>;
}

/** What the parts are made from; the same text means that the same part will do. */
export interface Fingerprints {
  readonly storage: string;
  readonly transformer: string;
}

/** The parts of one proxy. */
export interface Keeping {
  /** Give it last, so that it keeps the parts as other plugins have wrapped them. */
  readonly plugin: Plugin;
  /** For a proxy that did not come about, or was not opened: one that was lets go when it is closed. */
  letGo(): Promise<void>;
}

/**
 * Parts that outlive the proxy that opened them. A proxy with other keys is made in place of an old one
 * while requests go on; its storage (with all that is in memory) and the processes that transform are
 * those of the old one, if their settings are the same.
 */
export class KeptParts {
  readonly #storages = new Map<string, Shared<CacheStorage>>();
  readonly #healths = new Map<string, StorageHealth>();
  #capacity: Capacity | undefined;
  #wanted: CapacityLimits | undefined;
  readonly #transformers = new Map<string, Shared<Transformer>>();

  /** The parts for a proxy that is to be made; they stay for it, whatever becomes of the proxy that has them now. */
  keep({ storage, transformer }: Fingerprints): Keeping {
    const holds: Part[] = [];
    const held = <T extends Part>(part: T): T => {
      holds.push(part);
      return part;
    };
    const plugin = definePlugin({
      name: 'tintype/kept-parts',
      register: ({ container }) => {
        // What was made and isn't used was never opened, so nothing has to be closed.
        container.onActivation(tokens.resultStorage, (_context, made) =>
          held(new KeptStorage(kept(this.#storages, storage, made, () => this.#healths.delete(storage)))),
        );
        container.onActivation(tokens.storageHealth, (_context, made) => {
          const health = this.#healths.get(storage) ?? made;
          this.#healths.set(storage, health);
          return health;
        });
        container.onActivation(tokens.capacity, (_context, made) => {
          this.#capacity ??= made;
          this.#wanted = made.limits;
          return this.#capacity;
        });
        container.onActivation(tokens.transformer, (_context, made) =>
          held(new KeptTransformer(kept(this.#transformers, transformer, made))),
        );
      },
    });
    const letGo = async (): Promise<void> => {
      await Promise.all(holds.map((part) => part.close()));
    };
    return { plugin, letGo };
  }

  /** Memory of the processes that transform, in bytes, as they last told. */
  get transformMemory(): number {
    const parts = [...this.#transformers.values()].map(({ part }) => part);
    return parts.reduce((sum, part) => sum + (part instanceof TransformPool ? part.residentBytes : 0), 0);
  }

  /** The limits of the proxy that was made last hold from now on, for what the ones before have begun too. */
  adoptLimits(): void {
    if (this.#wanted !== undefined) this.#capacity?.resize(this.#wanted);
  }
}

function kept<T extends Part>(
  parts: Map<string, Shared<T>>,
  fingerprint: string,
  made: T,
  ended: () => void = () => undefined,
): Shared<T> {
  const there = parts.get(fingerprint);
  if (there !== undefined) return there;
  const shared = new Shared(made, () => {
    parts.delete(fingerprint);
    ended();
  });
  parts.set(fingerprint, shared);
  return shared;
}

/** A part with several holders; the last one closes it. */
class Shared<T extends Part> {
  readonly part: T;
  readonly #ended: () => void;
  readonly #holders = new Set<object>();
  #opening: Promise<void> | undefined;

  constructor(part: T, ended: () => void) {
    this.part = part;
    this.#ended = ended;
  }

  /** From now on it is closed only after this holder. */
  hold(holder: object): void {
    this.#holders.add(holder);
  }

  /** Opens the part unless it is; after a failure each call tries again. */
  open(): Promise<void> {
    this.#opening ??= this.part.open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async close(holder: object): Promise<void> {
    if (!this.#holders.delete(holder) || this.#holders.size > 0) return;
    this.#ended();
    await this.part.close();
  }
}

/** One proxy's hold on a storage. */
class KeptStorage implements CacheStorage {
  readonly #shared: Shared<CacheStorage>;
  readonly #storage: CacheStorage;

  constructor(shared: Shared<CacheStorage>) {
    this.#shared = shared;
    this.#storage = shared.part;
    shared.hold(this);
  }

  get name(): string {
    return this.#storage.name;
  }

  get capabilities(): StorageCapabilities {
    return this.#storage.capabilities;
  }

  get counters(): StorageCounters {
    return this.#storage.counters;
  }

  open(): Promise<void> {
    return this.#shared.open();
  }

  close(): Promise<void> {
    return this.#shared.close(this);
  }

  get(key: string, options?: GetOptions): Awaitable<GetHit | GetRangeNotSatisfiable | undefined> {
    return this.#storage.get(key, options);
  }

  stat(key: string, options?: OperationOptions): Awaitable<StatResult | undefined> {
    return this.#storage.stat(key, options);
  }

  put(key: string, body: PutInput, metadata: EntryMetadata, options?: PutOptions): Promise<Version> {
    return this.#storage.put(key, body, metadata, options);
  }

  setMetadata(key: string, metadata: EntryMetadata, options?: ConditionalOptions): Promise<Version | undefined> {
    return this.#storage.setMetadata(key, metadata, options);
  }

  delete(key: string, options?: ConditionalOptions): Promise<void> {
    return this.#storage.delete(key, options);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ListedEntry> {
    return this.#storage.list(prefix, options);
  }

  check(options?: OperationOptions): Promise<CheckResult> {
    return this.#storage.check(options);
  }
}

/** One proxy's hold on a transformer. */
class KeptTransformer implements Transformer {
  readonly #shared: Shared<Transformer>;
  readonly revision: string;
  readonly supports: Transformer['supports'];
  readonly transformFile?: NonNullable<Transformer['transformFile']>;

  constructor(shared: Shared<Transformer>) {
    const { part } = shared;
    this.#shared = shared;
    this.revision = part.revision;
    this.supports = part.supports;
    if (part.transformFile !== undefined) this.transformFile = part.transformFile.bind(part);
    shared.hold(this);
  }

  open(): Promise<void> {
    return this.#shared.open();
  }

  close(): Promise<void> {
    return this.#shared.close(this);
  }

  transform(request: TransformRequest): Promise<TransformResult> {
    return this.#shared.part.transform(request);
  }
}
