import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** Milliseconds that all cores together have worked and idled since the machine started. */
export function processorTime(): { readonly busy: number; readonly idle: number } {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, idle };
}

/** Share of all cores that was busy since. */
export function busySince(before: { readonly busy: number; readonly idle: number }): number {
  const { busy, idle } = processorTime();
  return (busy - before.busy) / Math.max(1, busy - before.busy + idle - before.idle);
}

/** Milliseconds that the host of a virtual machine has kept from all its cores together, since it started. Linux only. */
export function stolenTime(): number {
  // Of all cores: user, nice, system, idle, iowait, irq, softirq, steal. proc_stat(5)
  const [, steal = '0'] = /^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync('/proc/stat', 'utf8')) ?? [];
  return Number(steal) * 10;
}

/** Milliseconds of processor time that processes have taken since they began, together. Linux only. */
export function processorTimeOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything: state, ten numbers, utime, stime. proc(5)
    const [utime = '', stime = ''] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    ticks += Number(utime) + Number(stime);
  }
  return ticks * 10;
}

/** Bytes that processes hold in memory, together; the largest they ever held with `VmHWM`. Linux only. */
export function residentBytes(pids: readonly number[], field: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  let total = 0;
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    total += Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1_024;
  }
  return total;
}

export const CORES: number = availableParallelism();
