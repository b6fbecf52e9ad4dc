import { ask } from './client.ts';

/** A load balancer of the simplest kind: in turn, and only where the last look at `/readyz` was 200. */
export class Balancer {
  readonly #addresses: readonly string[];
  readonly #ready = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #turn = 0;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
    this.#timer = setInterval(() => void this.look(), 100);
  }

  async look(): Promise<void> {
    for (const address of this.#addresses) {
      const status = await ask(`${address}/readyz`).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) this.#ready.add(address);
      else this.#ready.delete(address);
    }
  }

  readonly next = (): string => {
    const ready = this.#addresses.filter((address) => this.#ready.has(address));
    this.#turn += 1;
    return ready[this.#turn % ready.length] ?? '';
  };

  /** How many are given requests. */
  get size(): number {
    return this.#ready.size;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
