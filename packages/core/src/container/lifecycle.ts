interface Stage {
  readonly name: string;
  close(): Promise<void>;
}

/**
 * What was opened, closed in reverse order. The container's own deactivation runs everything at once
 * in no order, so the order of a shutdown is ours.
 */
export class Lifecycle {
  readonly #stages: Stage[] = [];

  opened(name: string, close: () => Promise<void>): void {
    this.#stages.push({ name, close });
  }

  /** Closes all, also after one has failed. @throws AggregateError with everything that failed. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let stage = this.#stages.pop(); stage; stage = this.#stages.pop()) {
      try {
        await stage.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Some parts could not be closed.');
  }
}
