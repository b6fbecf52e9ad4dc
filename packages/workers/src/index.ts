import { availableParallelism, constants } from 'node:os';
import { definePlugin, type Plugin, tokens } from '@tintype/core';
import { type PoolOptions, TransformPool } from './pool.ts';
import { transformProcesses } from './process-count.ts';

export { type PoolOptions, TransformPool } from './pool.ts';
export { transformProcesses } from './process-count.ts';
export type { ChildSetup } from './protocol.ts';

export interface WorkersOptions {
  /**
   * Module URLs of all plugins that bring or wrap the transformer, or of config files that list them;
   * children import them.
   */
  readonly modules: readonly string[];
  /**
   * Child processes. Unless given, `TINTYPE_TRANSFORM_PROCESSES`, or `transformProcesses` where that is blank, but
   * no more than can be at work (`TINTYPE_WORKERS`). With 0 nothing is moved.
   */
  readonly processes?: number;
  /** Threads in each; as many as it may get transforms at a time unless given. */
  readonly threads?: number;
  /**
   * Scheduling priority of the children, as of `os.setPriority`. 10 unless given: a tenth of what a
   * busy neighbour of normal priority gets, where 19 would be next to nothing.
   */
  readonly priority?: number;
  /** How long an aborted transform may go on before its process is killed, in milliseconds. */
  readonly killAfterMs?: number;
  /** Hears of every child that ended unasked. */
  readonly onCrash?: PoolOptions['onCrash'];
  /** Hears that children end again and again, so that the next one is started after a pause. */
  readonly onPause?: PoolOptions['onPause'];
  /** Hears that such a child works again. */
  readonly onRecovery?: PoolOptions['onRecovery'];
}

/**
 * Moves the transforms of a proxy, whatever its transformer is, into child processes. Give it last:
 * what wraps the transformer after it would work in this process.
 */
export function workers(options: WorkersOptions): Plugin {
  return definePlugin({
    name: '@tintype/workers',
    register({ container }) {
      container.onActivation(tokens.transformer, (context, transformer) => {
        const settings = context.get(tokens.settings);
        const atATime = settings.workers ?? 2 * availableParallelism();
        const processes = options.processes ?? Math.min(settings.transformProcesses ?? transformProcesses(), atATime);
        // A transformer that was bound by hand can't be made anew elsewhere: it stays in this process.
        const choice = context.get(tokens.transformerChoice, { optional: true });
        if (processes === 0 || choice === undefined) return transformer;
        return new TransformPool(transformer, {
          setup: {
            modules: options.modules,
            id: choice.id,
            options: choice.options,
          },
          processes,
          threads: options.threads ?? Math.ceil(atATime / processes),
          priority: options.priority ?? constants.priority.PRIORITY_BELOW_NORMAL,
          killAfterMs: options.killAfterMs ?? 1_000,
          onCrash: options.onCrash ?? (() => undefined),
          onPause: options.onPause,
          onRecovery: options.onRecovery,
        });
      });
    },
  });
}
