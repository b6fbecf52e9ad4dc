import type { PoolOptions } from './pool.ts';
import { TransformPool } from './pool.ts';

const MODULE = new URL('./stubborn.fixture.ts', import.meta.url).href;
const supports = { operations: [], inputFormats: [], outputFormats: [] };

/** Children that do what their inputs say (`stubborn.fixture.ts`); not opened yet. */
export function stubbornPool(
  options: Partial<Omit<PoolOptions, 'setup'>> & { readonly id?: string; readonly revision?: string } = {},
): TransformPool {
  const { id = 'stubborn', revision = 'stubborn-1', ...rest } = options;
  // Long enough for a child that heeds an abort on a busy machine; who tests one that does not says less.
  const usual = { processes: 1, threads: 1, priority: 0, killAfterMs: 15_000, onCrash: () => undefined };
  const setup = { modules: [MODULE], id, options: {} };
  return new TransformPool({ revision, supports }, { setup, ...usual, ...rest });
}
