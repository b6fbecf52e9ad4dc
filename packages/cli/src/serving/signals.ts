import process from 'node:process';

/**
 * What a serving process is told by signals. Made before anything is opened, so that a signal that
 * comes early is obeyed as well, once there is something to obey it.
 */
export class Signals {
  /** The first signal that asks to stop. A second one ends the process at once. */
  readonly stop: Promise<NodeJS.Signals>;
  #reload: (() => void) | undefined;
  #reloadAsked = false;

  /** @param atOnce what else has to be ended when a second signal comes. */
  constructor(atOnce: () => void) {
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
    this.stop = promise;
    const stop = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      for (const next of ['SIGTERM', 'SIGINT'] as const) {
        process.once(next, () => {
          atOnce();
          // Now that nobody listens for it, it does what it does to any process.
          process.kill(process.pid, next);
        });
      }
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', () => {
      this.#reloadAsked = true;
      this.#reload?.();
    });
  }

  /** From now on SIGHUP calls this, also for one that has come already. */
  onReload(reload: () => void): void {
    this.#reload = reload;
    if (this.#reloadAsked) reload();
  }
}
