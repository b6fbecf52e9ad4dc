import { ask } from './client.ts';

/** A load balancer of the simplest kind: in turn, and only where the last look at `/readyz` was 200. */
export class Balancer {
  readonly #addresses: readonly string[];
  readonly #ready = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #turn = 0;

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
    this.#timer = setInterval(() => {
      if (this.#waiting === 0) void this.look();
    }, 100);
  }

  /** One look after another: what a late answer says may be over. */
  look(): Promise<void> {
    this.#waiting += 1;
    const look = this.#last.then(() => this.#lookAtAll());
    this.#last = look;
    return look;
  }

  async #lookAtAll(): Promise<void> {
    await Promise.all(
      this.#addresses.map(async (address) => {
        const status = await ask(`${address}/readyz`).then(
          (answer) => answer.status,
          () => 0,
        );
        if (status === 200) this.#ready.add(address);
        else this.#ready.delete(address);
      }),
    );
    this.#waiting -= 1;
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
