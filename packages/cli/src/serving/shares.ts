import { availableParallelism } from 'node:os';
import { MIN_METADATA_BYTES, memoryBudget, type Section, type SettingsInput, SettingsReader } from '@tintype/core';
import { transformProcesses } from '@tintype/workers';

/** Which one of how many processes this is, from 0. */
export interface Place {
  readonly index: number;
  readonly of: number;
}

/**
 * Settings that are totals for all processes together, by name without `TINTYPE_`, and what a blank
 * one stands for. What storages share among processes by themselves (a folder's size) is not here.
 */
const TOTALS: Readonly<Record<string, () => number>> = {
  WORKERS: () => 2 * availableParallelism(),
  TRANSFORM_PROCESSES: transformProcesses,
  REQUESTS_QUEUE_SIZE: () => 0,
  MAX_CLIENTS: () => 0,
  MAX_DOWNLOADS_PER_HOST: () => 0,
  MEMORY_BUDGET: () => memoryBudget(undefined),
  CACHE_MEMORY_MAX_BYTES: () => 0,
};

/**
 * The least that one process can do with, where a part of a total may be less: the memory storage keeps
 * a quarter of its cap for the metadata of one entry. Together they then take that little bit more.
 */
const LEAST: Readonly<Record<string, number>> = { CACHE_MEMORY_MAX_BYTES: 4 * MIN_METADATA_BYTES };

/** One process's part of a total: differs by at most 1 between processes, and is never less than 1. 0 stays 0. */
export function shareOf(total: number, { index, of }: Place): number {
  if (total === 0) return 0;
  return Math.max(1, Math.floor(total / of) + (index < total % of ? 1 : 0));
}

/** This process's parts of all totals, as flags that take the place of what the settings say. */
export function sharesOf(
  sections: readonly Section[],
  input: SettingsInput,
  place: Place,
): Readonly<Record<string, string>> {
  if (place.of === 1) return {};
  // What is wrong with a setting is told by the reader of all of them.
  const reader = new SettingsReader(input);
  const flags: Record<string, string> = {};
  for (const { prefix, table, title } of sections) {
    for (const [name, spec] of Object.entries(table)) {
      const blank = TOTALS[prefix + name];
      if (blank === undefined) continue;
      const [value = blank()] = Object.values(reader.read({ title, prefix, table: { [name]: spec } }));
      if (typeof value === 'number') {
        // A total that is too small by itself is told as it was written.
        const least = Math.min(value, LEAST[prefix + name] ?? 0);
        flags[prefix + name] = String(Math.max(least, shareOf(value, place)));
      }
    }
  }
  return flags;
}
