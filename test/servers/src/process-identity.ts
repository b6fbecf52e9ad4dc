import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, told from another one that gets its id later. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, as the system puts it. */
  readonly since: string;
}

/** The process with this id; `undefined` if there is none, or one that has ended and was not asked about yet. */
export function identify(pid: number): ProcessIdentity | undefined {
  const since = beginningOf(pid);
  return since === undefined ? undefined : { pid, since };
}

/** Whether it still runs. */
export function isRunning({ pid, since }: ProcessIdentity): boolean {
  return beginningOf(pid) === since;
}

function beginningOf(pid: number): string | undefined {
  try {
    // proc_pid_stat(5): the name is in brackets and may hold anything; then the state, and as 20th the beginning.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return process.platform === 'linux' ? undefined : beginningByPs(pid);
  }
}

function beginningByPs(pid: number): string | undefined {
  try {
    const said = execFileSync('ps', ['-o', 'state=,lstart=', '-p', `${pid}`], { encoding: 'utf8' }).trim();
    return said === '' || said.startsWith('Z') ? undefined : said.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}
