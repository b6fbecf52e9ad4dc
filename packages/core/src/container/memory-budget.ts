import { totalmem } from 'node:os';

/**
 * Bytes that all transforms may take together: what `TINTYPE_MEMORY_BUDGET` says, `Infinity` for 0, and
 * half of what there is where it says nothing: of the container's limit, or of the machine.
 *
 * @param constrained `process.constrainedMemory()`: 0 or absurdly large without a limit.
 */
export function memoryBudget(
  setting: number | undefined,
  constrained: number = process.constrainedMemory(),
  total: number = totalmem(),
): number {
  if (setting === undefined) return Math.floor((constrained > 0 && constrained < total ? constrained : total) / 2);
  return setting === 0 ? Number.POSITIVE_INFINITY : setting;
}
