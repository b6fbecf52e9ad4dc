import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Loads a mutant in place of a source, without touching the source: a module whose URL ends in
 * `?mutant=…`, and what it imports from its own folder, gets the change that `TINTYPE_MUTANT`
 * describes. Also preloaded into the processes that crash tests start.
 */
export interface ActiveMutant {
  /** Absolute path of the file. */
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const query = /\?mutant=\d+$/.exec(context.parentURL ?? '')?.[0];
    if (query === undefined || !specifier.startsWith('./')) return resolved;
    return { ...resolved, url: resolved.url + query };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const active: ActiveMutant | undefined = JSON.parse(process.env.TINTYPE_MUTANT ?? 'null') ?? undefined;
    if (active === undefined || !/\?mutant=\d+$/.test(url) || fileURLToPath(url) !== active.path) return loaded;
    const source = String(loaded.source);
    return { ...loaded, source: source.slice(0, active.start) + active.replacement + source.slice(active.end) };
  },
});
