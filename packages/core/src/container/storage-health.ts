import type { ProxyEvent } from '../contracts/observer.ts';
import type { ProxyLoad } from '../contracts/proxy.ts';
import type { StorageAdapter } from '../contracts/storage-adapter.ts';

/**
 * How the tiers of one storage are: which are left alone at the moment, and what each holds. Tells
 * observers of every change. It belongs to the storage rather than to a proxy: where a proxy takes over
 * the storage of another, it must know that it is paused.
 */
export class StorageHealth {
  readonly #emit: (event: ProxyEvent) => void;
  readonly #paused = new Set<Pause>();
  readonly #tiers: { readonly id: string; readonly adapter: StorageAdapter }[] = [];

  constructor(emit: (event: ProxyEvent) => void) {
    this.#emit = emit;
  }

  /** The storage that is not read or not written: what is stored now would not be kept by it. */
  get paused(): string | undefined {
    const [first] = this.#paused;
    return first?.storage;
  }

  /** Notes and tells what a storage's breaker does; the same state again is no news. */
  change(storage: string, access: 'reads' | 'writes', state: 'working' | 'paused', code?: string): void {
    this.#note({ storage, access, by: 'breaker' }, state, code);
  }

  /**
   * Notes and tells whether a storage could be opened. Apart from its breaker: that a storage is open
   * does not say that it works again.
   */
  opening(storage: string, state: 'working' | 'paused', code?: string): void {
    this.#note({ storage, access: 'reads', by: 'opening' }, state, code);
  }

  /** A tier to tell the usage of. */
  add(id: string, adapter: StorageAdapter): void {
    this.#tiers.push({ id, adapter });
  }

  /** What each tier holds that knows. */
  usage(): ProxyLoad['storages'] {
    return this.#tiers.flatMap(({ id, adapter }) => {
      const usage = adapter.usage?.();
      const shared = adapter.capabilities.readConsistency.scope === 'store';
      return usage === undefined ? [] : [{ id, shared, usage }];
    });
  }

  #note({ storage, access, by }: Pause, state: 'working' | 'paused', code: string | undefined): void {
    const same = [...this.#paused].filter((pause) => pause.storage === storage && pause.access === access);
    const known = same.find((pause) => pause.by === by);
    if ((known !== undefined) === (state === 'paused')) return;
    if (known === undefined) this.#paused.add({ storage, access, by });
    else this.#paused.delete(known);
    // The other one has told it, or still says otherwise.
    if (same.length > (known === undefined ? 0 : 1)) return;
    this.#emit({ type: 'storage-state', storage, access, state, ...(code === undefined ? {} : { code }) });
  }
}

interface Pause {
  readonly storage: string;
  readonly access: 'reads' | 'writes';
  readonly by: 'breaker' | 'opening';
}
