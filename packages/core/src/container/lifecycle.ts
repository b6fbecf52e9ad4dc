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

  /** Closes all, also after one has failed. @throws AggregateError whose errors, and message, say which and why. */
  async close(): Promise<void> {
    const failures: Error[] = [];
    for (let stage = this.#stages.pop(); stage; stage = this.#stages.pop()) {
      try {
        await stage.close();
      } catch (error) {
        failures.push(new Error(`The ${stage.name} could not be closed: ${sentence(error)}`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join(' '));
  }
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `${text.replace(/\.$/, '')}.`;
}
