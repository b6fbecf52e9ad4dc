import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Part, PartResult } from './part.ts';

/** A part with what it found and how long it took. */
export interface Ran extends PartResult {
  /** Its name. */
  readonly part: string;
  readonly ms: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** What `git describe` said when it began. */
  readonly commit: string;
  /** The command line that ran it. */
  readonly command: string;
  /** Load averages at its end. */
  readonly load: string;
}

/** The report as a Markdown page. */
export function reportOf(date: string, parts: readonly Part[], ran: readonly Ran[]): string {
  const gib = (totalmem() / 1024 ** 3).toFixed(0);
  const done = parts.flatMap((part) =>
    ran.filter((each) => each.part === part.name).map((each) => ({ ...each, part })),
  );
  const notRun = parts.filter((part) => !done.some((each) => each.part === part));
  const omitted = [
    ...done.flatMap(({ part, omitted: left }) => left.map((each) => `* \`${part.name}\`: ${each}`)),
    ...notRun.map(({ name, title }) => `* \`${name}\` did not run: ${title}.`),
  ];
  return [
    `# Soak of ${date}`,
    '',
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gib} GiB of memory, ${type()} ${release()}, Node ${process.version}.`,
    '',
    '| part | result | begun | minutes | load at the end | commit |',
    '|---|---|---|---|---|---|',
    ...done.map(
      ({ part, ok, ms, startedAt, load, commit }) =>
        `| ${part.name} | ${ok ? 'ok' : '**FAILED**'} | ${startedAt.slice(0, 16)}Z | ${(ms / 60_000).toFixed(1)} | ${load} | \`${commit}\` |`,
    ),
    '',
    '## Not run, or not in full',
    '',
    ...(omitted.length > 0 ? omitted : ['Everything ran in full.']),
    '',
    ...done.flatMap(({ part, summary, details, command }) => [
      `## ${part.title}`,
      '',
      `\`${command}\``,
      '',
      summary,
      '',
      ...(details.length > 0 ? [...details, ''] : []),
    ]),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}

/** The commit that is checked out. */
export function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
