import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Runs the garbage collector, so that memory in use can be told from memory not yet taken back. */
export function collectGarbage(): void {
  if (collect === undefined) {
    // As `node --expose-gc`, without asking the runner to be started so.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
