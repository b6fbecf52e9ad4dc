import process from 'node:process';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const FLAG = 'external-memory-accounted-in-global-limit';
/** How often it is looked whether buffers have become many, in milliseconds. */
const LOOK_EVERY_MS = 10_000;

let tuned = false;

/**
 * Lets V8 weigh buffers together with its heap. Otherwise it collects all of its garbage for every
 * 64 MiB of buffers that were allocated since the last time: 1,700 hits of 38 KiB from files, or 60
 * sources of a megabyte; a fifth of a busy server's time.
 *
 * Where more buffers live than half of what the heap may take (a large cache in memory), V8 would think
 * itself at its limit and never stop collecting: there it goes back to its own way.
 *
 * It changes the whole process, so it is for programs whose only business is to serve; `tintype serve`
 * calls it. V8 has this flag from 13.6 to 14.7; elsewhere this does nothing.
 */
export function tuneCollector(): void {
  if (tuned || !hasFlag(process.versions.v8)) return;
  tuned = true;
  setInterval(weighing(setFlagsFromString, buffersAreFew), LOOK_EVERY_MS).unref();
}

/**
 * Begins to weigh buffers.
 *
 * @returns to be called now and then: goes back to V8's own way while buffers are many.
 */
export function weighing(setFlag: (flag: string) => void, areFew: () => boolean): () => void {
  let weighs = true;
  setFlag(`--${FLAG}`);
  return () => {
    const few = areFew();
    if (few === weighs) return;
    weighs = few;
    setFlag(few ? `--${FLAG}` : `--no-${FLAG}`);
  };
}

/** Whether the buffers of this process take less than half of what its heap may. */
export function buffersAreFew(): boolean {
  return process.memoryUsage().arrayBuffers < getHeapStatistics().heap_size_limit / 2;
}

/** @param version of V8. What does not know a flag says so on standard error. */
export function hasFlag(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return (major === 13 && minor >= 6) || (major === 14 && minor < 8);
}
