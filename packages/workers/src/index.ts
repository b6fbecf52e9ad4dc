import { definePlugin, type Plugin, tokens } from '@tintype/core';
import { TransformPool } from './pool.ts';

export { type PoolOptions, TransformPool } from './pool.ts';
export type { ChildSetup } from './protocol.ts';

export interface WorkersOptions {
  /** Module URLs of the plugins among which the transformer is; children import them. */
  readonly modules: readonly string[];
  /** Child processes; 1 unless given. */
  readonly processes?: number;
  /** Threads in each; 4 unless given. */
  readonly threads?: number;
  /** Bytes that all transforms may take together; unlimited unless given. */
  readonly memoryBudget?: number;
  /** How long an aborted transform may go on before its process is killed, in milliseconds. */
  readonly killAfterMs?: number;
  readonly onCrash?: (reason: string) => void;
}

/** Moves the transforms of a proxy, whatever its transformer is, into child processes. */
export function workers(options: WorkersOptions): Plugin {
  return definePlugin({
    name: '@tintype/workers',
    register({ container }) {
      container.onActivation(tokens.transformer, (context, transformer) => {
        const { id, options: parsed } = context.get(tokens.transformerChoice);
        const processes = options.processes ?? 1;
        return new TransformPool(transformer, {
          setup: {
            modules: options.modules,
            id,
            options: parsed,
            memoryBudget: (options.memoryBudget ?? Number.POSITIVE_INFINITY) / processes,
          },
          processes,
          threads: options.threads ?? 4,
          killAfterMs: options.killAfterMs ?? 1_000,
          onCrash: options.onCrash ?? (() => undefined),
        });
      });
    },
  });
}
