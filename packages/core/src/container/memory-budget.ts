import { totalmem } from 'node:os';

/**
 * Bytes of memory that there are: the container's limit, or what the machine has.
 *
 * @param constrained `process.constrainedMemory()`: 0 or absurdly large without a limit.
 */
export function memoryLimit(constrained: number = process.constrainedMemory(), total: number = totalmem()): number {
  return constrained > 0 && constrained < total ? constrained : total;
}

/**
 * Bytes that all transforms may take together: what `TINTYPE_MEMORY_BUDGET` says, `Infinity` for 0, and
 * half of what there is (`memoryLimit`) where it says nothing.
 */
export function memoryBudget(setting: number | undefined, limit: number = memoryLimit()): number {
  if (setting === undefined) return Math.floor(limit / 2);
  return setting === 0 ? Number.POSITIVE_INFINITY : setting;
}
