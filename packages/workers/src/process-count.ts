import { availableParallelism } from 'node:os';
import { memoryLimit } from '@tintype/core';

const MOST_PROCESSES = 4;

/**
 * Memory that there must be for each child, in bytes. One takes some 80 MiB before its first image; the rest
 * is for the images that it makes and for the process that serves.
 */
const MEMORY_FOR_EACH = 256 * 1024 * 1024;

/**
 * Child processes where no number is set: one for each core, four at most, and one for each 256 MiB of the
 * container's or the machine's memory. Transforms in one process wait for each other's memory: on two cores, four at
 * a time make 8 % more images in two processes than in one.
 */
export function transformProcesses(cores: number = availableParallelism(), memory: number = memoryLimit()): number {
  return Math.max(1, Math.min(cores, MOST_PROCESSES, Math.floor(memory / MEMORY_FOR_EACH)));
}
