import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Part, PartResult } from './part.ts';

/** A part with what it found and how long it took. */
export interface Ran extends PartResult {
  readonly part: Part;
  readonly ms: number;
}

export interface SoakRun {
  readonly startedAt: Date;
  readonly seed: string;
  readonly share: number;
  readonly jobs: number;
  readonly ran: readonly Ran[];
  readonly notRun: readonly Part[];
}

/** The report as a Markdown page. */
export function reportOf({ startedAt, seed, share, jobs, ran, notRun }: SoakRun): string {
  const gib = (totalmem() / 1024 ** 3).toFixed(0);
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(', ');
  const omitted = [
    ...ran.flatMap(({ part, omitted: left }) => left.map((each) => `* \`${part.name}\`: ${each}`)),
    ...notRun.map(({ name, title }) => `* \`${name}\` did not run: ${title}.`),
  ];
  return [
    `# Soak of ${startedAt.toISOString().slice(0, 10)}`,
    '',
    `\`npm run soak -- ${ran.map(({ part }) => part.name).join(' ')}${share < 1 ? ` --share ${share}` : ''} --jobs ${jobs} --seed ${seed}\``,
    '',
    `* Begun ${startedAt.toISOString()}, commit \`${commit()}\`.`,
    `* ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gib} GiB of memory, ${type()} ${release()}, Node ${process.version}. Load averages at the end: ${load}.`,
    '',
    '| part | result | minutes |',
    '|---|---|---|',
    ...ran.map(({ part, ok, ms }) => `| ${part.name} | ${ok ? 'ok' : '**FAILED**'} | ${(ms / 60_000).toFixed(1)} |`),
    '',
    '## Not run, or not in full',
    '',
    ...(omitted.length > 0 ? omitted : ['Everything ran in full.']),
    '',
    ...ran.flatMap(({ part, summary, details }) => [
      `## ${part.title}`,
      '',
      `\`npm run soak -- ${part.name}\``,
      '',
      summary,
      '',
      ...(details.length > 0 ? [...details, ''] : []),
    ]),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
