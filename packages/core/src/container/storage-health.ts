import type { ProxyEvent } from '../contracts/observer.ts';

/** Which storages are left alone at the moment; tells observers of every change. */
export class StorageHealth {
  readonly #emit: (event: ProxyEvent) => void;
  readonly #paused = new Set<string>();

  constructor(emit: (event: ProxyEvent) => void) {
    this.#emit = emit;
  }

  /** Whether any storage is not read or not written: what is stored now would not be kept by all of them. */
  get paused(): boolean {
    return this.#paused.size > 0;
  }

  /** Notes and tells a state; the same state again is no news. */
  change(storage: string, access: 'reads' | 'writes', state: 'working' | 'paused', code?: string): void {
    const name = `${access} of ${storage}`;
    if (this.#paused.has(name) === (state === 'paused')) return;
    if (state === 'paused') this.#paused.add(name);
    else this.#paused.delete(name);
    this.#emit({ type: 'storage-state', storage, access, state, ...(code === undefined ? {} : { code }) });
  }
}
