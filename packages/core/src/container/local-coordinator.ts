import type { Coordinator, Lease, PurgeAnnouncement } from '../contracts/coordinator.ts';

/** Coordination within one process: leases by name, announcements to whoever listens here. */
export class LocalCoordinator implements Coordinator {
  readonly #leases = new Map<string, NodeJS.Timeout>();
  readonly #listeners = new Set<(purge: PurgeAnnouncement) => void>();

  async open(): Promise<void> {}

  async close(): Promise<void> {
    for (const timer of this.#leases.values()) clearTimeout(timer);
    this.#leases.clear();
    this.#listeners.clear();
  }

  async acquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    if (this.#leases.has(name)) return undefined;
    const timer = setTimeout(() => this.#leases.delete(name), ttlMs);
    timer.unref();
    this.#leases.set(name, timer);
    return {
      release: async () => {
        // Whoever took it over after our time had passed keeps it.
        if (this.#leases.get(name) !== timer) return;
        clearTimeout(timer);
        this.#leases.delete(name);
      },
    };
  }

  async announce(purge: PurgeAnnouncement): Promise<void> {
    for (const listener of this.#listeners) listener(purge);
  }

  subscribe(listener: (purge: PurgeAnnouncement) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
