import { readdirSync, readlinkSync } from 'node:fs';

/** Names of the temporary files of spools that this process holds open, by the system's own account (Linux). */
function openSpools(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return /tintype-spool-[0-9a-f-]+/.exec(readlinkSync(`/proc/self/fd/${descriptor}`)) ?? [];
    } catch {
      return [];
    }
  });
}

/**
 * Counts the temporary files of spools that are open and were not when it was made: what ran before in this
 * process may still be about to close its own.
 */
export function countOpenSpools(): () => number {
  const others = new Set(openSpools());
  return () => openSpools().filter((name) => !others.has(name)).length;
}
