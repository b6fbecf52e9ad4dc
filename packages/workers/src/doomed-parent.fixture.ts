import { TransformPool } from './pool.ts';

const setup = {
  modules: [new URL('./stubborn.fixture.ts', import.meta.url).href],
  id: 'stubborn',
  options: {},
};
const description = { revision: 'stubborn-1', supports: { operations: [], inputFormats: [], outputFormats: [] } };
const pool = new TransformPool(description, {
  setup,
  processes: 1,
  memoryBudget: 1,
  threads: 1,
  priority: 0,
  killAfterMs: 50,
  onCrash: () => undefined,
});
await pool.open();
process.send?.(pool.pids[0]);
