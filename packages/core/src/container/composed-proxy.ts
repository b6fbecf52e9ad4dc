import type { Container } from 'inversify';
import type { CoreSettings } from '../config/core-options.ts';
import type { EffectiveSetting } from '../config/settings-reader.ts';
import { isLoopbackOnly } from '../config/unsigned-bind.ts';
import type { Coordinator, PurgeAnnouncement } from '../contracts/coordinator.ts';
import { type Dialect, type KeyRing, RequestError } from '../contracts/dialect.ts';
import type { ProxyEvent } from '../contracts/observer.ts';
import type { Origin } from '../contracts/origin.ts';
import type { ProxyLoad, ProxyRequest, ProxyResponse } from '../contracts/proxy.ts';
import type { CacheStorage } from '../contracts/storage.ts';
import { StorageError } from '../contracts/storage-error.ts';
import type { Transformer } from '../contracts/transformer.ts';
import type { Capacity } from '../pipeline/capacity.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Secret } from '../pipeline/secret.ts';
import { type PurgeOptions, type PurgeReport, type PurgeSelection, purge } from '../purges/purge.ts';
import type { ServedEndpoints } from './choose-endpoints.ts';
import type { ConfiguredProxy } from './create-proxy.ts';
import { Lifecycle } from './lifecycle.ts';
import { checked, type PartCheck, Stage } from './stage.ts';
import type { StorageHealth } from './storage-health.ts';
import { tokens } from './tokens.ts';

/** Milliseconds between attempts to open a storage that could not be opened. */
const REOPEN_MS = 5_000;

/** Longest time that the start waits for a storage to be opened, in milliseconds; it then goes on without it. */
const START_WITHOUT_MS = 5_000;

const COORDINATOR = 'coordinator';

interface Composition {
  /** What every request must carry, if anything. */
  readonly secret: Secret | undefined;
  readonly pipeline: Pipeline;
  /** In place of the pipeline at `/`, where there are endpoints. */
  readonly served: ServedEndpoints | undefined;
  readonly storage: CacheStorage | undefined;
  readonly sourceStorage: CacheStorage | undefined;
  readonly sourceHealth: StorageHealth;
  readonly origins: readonly { readonly id: string; readonly origin: Origin }[];
  readonly transformer: Transformer;
  readonly dialect: Dialect;
  readonly coordinator: Coordinator;
  /** Hears of no purges any more. */
  readonly unsubscribe: () => void;
  readonly keys: KeyRing | undefined;
  readonly emit: (event: ProxyEvent) => void;
  readonly health: StorageHealth;
  readonly capacity: Capacity;
  readonly settings: CoreSettings;
  readonly effective: readonly EffectiveSetting[];
  readonly warnings: readonly string[];
  readonly container: Container;
}

/** A proxy from its parts: what opens and closes them, and in which order. */
export class ComposedProxy implements ConfiguredProxy {
  readonly storage: CacheStorage | undefined;
  readonly loopbackOnly: boolean;
  readonly settings: CoreSettings;
  readonly effective: readonly EffectiveSetting[];
  readonly warnings: readonly string[];
  readonly endpoints: ConfiguredProxy['endpoints'];
  readonly container: Container;
  readonly #parts: Composition;
  readonly #lifecycle = new Lifecycle();
  /** What must be open before anything is answered, in the order in which it is opened. */
  readonly #stages: readonly Stage[];
  #storagesOpening: Promise<unknown> | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Ends attempts to open the storage. */
  readonly #life = new AbortController();
  readonly #reopen = new Set<NodeJS.Timeout>();

  constructor(parts: Composition) {
    this.#parts = parts;
    this.storage = parts.storage;
    // What is only passed on comes from servers that the operator named, whoever asks.
    this.loopbackOnly = parts.served?.onlyPasses !== true && isLoopbackOnly(parts.settings);
    this.settings = parts.settings;
    this.effective = parts.effective;
    this.warnings = parts.warnings;
    this.endpoints = parts.served?.paths ?? [];
    this.container = parts.container;
    const { coordinator, origins, served, transformer } = parts;
    this.#stages = [
      new Stage(COORDINATOR, coordinator, this.#lifecycle),
      ...origins.map(({ id, origin }) => new Stage(`origin ${id}`, origin, this.#lifecycle)),
      ...(served?.upstreams ?? []).map((upstream) => new Stage('endpoints', upstream, this.#lifecycle)),
      new Stage('transformer', transformer, this.#lifecycle),
    ];
  }

  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  handle(request: ProxyRequest): Promise<ProxyResponse> {
    const { secret } = this.#parts;
    if (secret === undefined) return this.#answer(request);
    const checked = secret.check(request);
    return 'refusal' in checked ? Promise.resolve(checked.refusal) : this.#answer(checked.request);
  }

  #answer(request: ProxyRequest): Promise<ProxyResponse> {
    const { served, pipeline } = this.#parts;
    return served === undefined ? pipeline.handle(request) : served.endpoints.handle(request);
  }

  takes(method: string, target: string): boolean {
    return this.#parts.served?.endpoints.takes(method, target) ?? false;
  }

  signedFrom(target: string): number {
    return this.#parts.served?.endpoints.signedFrom(target) ?? 0;
  }

  /** Opens what is not open yet: also a part that hangs keeps the others from nothing. */
  async check(): Promise<readonly PartCheck[]> {
    const stages = Promise.all(this.#stages.map((stage) => stage.problem()));
    const [problems] = await Promise.all([stages, this.#openStorages()]);
    const unopened = problems.filter((row) => row !== undefined);
    if (unopened.length === 0) await this.open();
    const { storage, sourceStorage, origins } = this.#parts;
    const rows: Promise<PartCheck>[] = [];
    if (storage) rows.push(checked('cache', storage.name, storage));
    if (sourceStorage) rows.push(checked('sources', sourceStorage.name, sourceStorage));
    for (const { id, origin } of origins) {
      const part = `origin ${id}`;
      if (!unopened.some((row) => row.part === part)) rows.push(checked(part, `${id} sources`, origin));
    }
    return [...(await Promise.all(rows)), ...unopened];
  }

  load(): ProxyLoad {
    const { pipeline, capacity, health } = this.#parts;
    const { transforms, intake, memory, stores, limits } = capacity;
    return {
      waiting: pipeline.waiting,
      making: intake.making,
      queued: intake.waiting + transforms.waiting,
      transforms: transforms.running,
      maxTransforms: limits.workers,
      reservedMemory: memory.used,
      memoryBudget: limits.memory,
      storeQueue: { length: stores.length, bytes: stores.bytes },
      storages: health.usage(),
    };
  }

  async purge(selection: PurgeSelection, options: PurgeOptions = {}): Promise<PurgeReport> {
    const { coordinator, served, sourceStorage, storage } = this.#parts;
    // Neither origins nor the transformer: that one of them cannot be opened keeps nothing in the cache.
    const told = options.dryRun === true ? undefined : this.#stages.find(({ part }) => part === COORDINATOR)?.problem();
    const [problem] = await Promise.all([told, this.#openStorages()]);
    const announce = async (announcement: PurgeAnnouncement): Promise<void> => {
      if (problem !== undefined) throw new Error(problem.ok ? problem.summary : problem.problem);
      await coordinator.announce(announcement);
    };
    const responsesOf = (url: string): readonly string[] => served?.responsesOf(url) ?? [];
    const clock = this.container.get(tokens.clock);
    return purge({ coordinator: { announce }, storage, sourceStorage, responsesOf, clock }, selection, options);
  }

  sign(path: string): string {
    const { dialect, keys } = this.#parts;
    if (keys === undefined) {
      throw new RequestError(400, 'no-key', 'There is no key to sign with; set TINTYPE_KEY and TINTYPE_SALT.');
    }
    return dialect.sign(path, keys);
  }

  async #open(): Promise<void> {
    try {
      for (const stage of this.#stages) await stage.open();
    } catch (error) {
      await this.#lifecycle.close().catch(() => undefined);
      throw error;
    }
    await this.#openStorages();
  }

  #openStorages(): Promise<unknown> {
    const { health, sourceHealth, sourceStorage, storage } = this.#parts;
    const open = (one: CacheStorage, its: StorageHealth, name: string): Promise<void> => {
      this.#lifecycle.opened(name, () => one.close());
      return this.#openInTime(one, its);
    };
    this.#storagesOpening ??= Promise.all([
      storage && open(storage, health, 'cache'),
      sourceStorage && open(sourceStorage, sourceHealth, 'sources'),
    ]);
    return this.#storagesOpening;
  }

  async #openInTime(storage: CacheStorage, health: StorageHealth): Promise<void> {
    const goOn = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      health.opening(storage.name, 'paused', 'timeout');
      goOn.resolve();
    }, START_WITHOUT_MS);
    await Promise.race([this.#openStorage(storage, health), goOn.promise]);
    clearTimeout(timer);
  }

  /** A storage that cannot be opened costs its hits, not the proxy: it is tried again and again. */
  async #openStorage(storage: CacheStorage, health: StorageHealth): Promise<void> {
    try {
      await storage.open({ signal: this.#life.signal });
      health.opening(storage.name, 'working');
    } catch (error) {
      if (this.#closing) return;
      const code = StorageError.is(error) ? error.code : 'internal';
      const message = error instanceof Error ? error.message : String(error);
      this.#parts.emit({ type: 'cache-error', operation: 'open', code, message });
      health.opening(storage.name, 'paused', code);
      const timer = setTimeout(() => {
        this.#reopen.delete(timer);
        void this.#openStorage(storage, health);
      }, REOPEN_MS);
      timer.unref();
      this.#reopen.add(timer);
    }
  }

  async #close(): Promise<void> {
    for (const timer of this.#reopen) clearTimeout(timer);
    this.#life.abort(new Error('The proxy was closed.'));
    await this.#opening?.catch(() => undefined);
    const { pipeline, served, unsubscribe } = this.#parts;
    // Closed before all that was opened; one that fails keeps none of the others open.
    this.#lifecycle.opened('subscription to purges', async () => unsubscribe());
    this.#lifecycle.opened('endpoints', async () => served?.close());
    this.#lifecycle.opened('pipeline', () => pipeline.close());
    try {
      await this.#lifecycle.close();
    } finally {
      await this.container.unbindAllAsync();
    }
  }
}
