import type { CacheStorage } from '../contracts/storage.ts';

/** Whether it has no entries but those of this process, which nobody else can remove. */
export function isAllOwn({ capabilities: { readConsistency, listConsistency } }: CacheStorage): boolean {
  return readConsistency.scope === 'instance' && listConsistency.scope === 'instance';
}
