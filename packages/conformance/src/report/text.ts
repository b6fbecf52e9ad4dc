import { storageRequirements } from '../catalogue/catalogue.ts';
import { isAdvice, type Report, reasonOf, type SubjectReport, settlingText, tally, tallyLine } from './report.ts';

/** Colours of a terminal, or nothing. */
export interface Paint {
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

export function paintFor(colours: boolean): Paint {
  const wrap = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { red: wrap(31), green: wrap(32), yellow: wrap(33), dim: wrap(2), bold: wrap(1) };
}

/** The report for people at a terminal: what is broken, by which rule, and how to see it again. */
export function textReport(report: Report, paint: Paint): string {
  return report.subjects.map((subject) => subjectText(report, subject, paint)).join('\n');
}

function subjectText(report: Report, subject: SubjectReport, paint: Paint): string {
  const lines: string[] = [];
  for (const result of subject.results) {
    const { outcome } = result;
    if (outcome.kind !== 'fail' && outcome.kind !== 'inconclusive') continue;
    const advice = isAdvice(result);
    const mark = outcome.kind === 'fail' && !advice ? paint.red('✗') : paint.yellow(advice ? '!' : '?');
    lines.push(`${mark} ${paint.bold(result.requirement)}  ${paint.dim(result.title)}`);
    lines.push(`    ${reasonOf(result)}`);
    if (outcome.kind === 'fail') lines.push(...outcome.details.map((detail) => `      ${detail}`));
    const rule = storageRequirements.get(result.requirement);
    lines.push(`    ${paint.dim('rule:')} ${rule?.rule}`);
    lines.push(`    ${paint.dim('from:')} ${rule?.source}`, '');
  }
  const counts = tally(subject.results);
  const verdict =
    counts.failed > 0
      ? paint.red('does not conform')
      : counts.inconclusive > 0
        ? paint.yellow('could not be tested in full')
        : paint.green('conforms');
  lines.push(`${paint.bold(subject.name)} ${verdict}: ${tallyLine(counts)} in ${(subject.ms / 1_000).toFixed(1)} s`);
  const skips = new Map<string, number>();
  for (const { outcome } of subject.results) {
    if (outcome.kind === 'skipped') skips.set(outcome.reason, (skips.get(outcome.reason) ?? 0) + 1);
  }
  for (const [reason, count] of skips) lines.push(paint.dim(`  skipped ${count}: ${reason}`));
  const settled = settlingText(subject);
  if (settled !== undefined) lines.push(paint.dim(`  ${settled}`));
  if (counts.failed > 0 || counts.inconclusive > 0) {
    lines.push(paint.dim(`  the same again: --seed ${report.seed} --budget ${report.budget}`));
  }
  if (subject.profile.length > 0) lines.push('', ...profileLines(subject));
  return `${lines.join('\n')}\n`;
}

function profileLines(subject: SubjectReport): string[] {
  const areCounted = subject.profile.some(({ requests }) => requests !== undefined);
  const header = `operation   size      clients  samples     p50 ms     p99 ms      per s${areCounted ? '  requests' : ''}`;
  return [
    header,
    ...subject.profile.map((row) =>
      [
        row.operation.padEnd(11),
        sizeText(row.size).padEnd(9),
        String(row.concurrency).padStart(7),
        String(row.samples).padStart(8),
        row.p50.toFixed(3).padStart(10),
        row.p99.toFixed(3).padStart(10),
        row.rate.toFixed(0).padStart(10),
        ...(row.requests === undefined ? [] : [requestsText(row.requests).padStart(9)]),
      ].join(' '),
    ),
  ];
}

/** Requests of one operation: `1`, `4.3`. */
export function requestsText(requests: number | undefined): string {
  return requests === undefined ? '' : String(Number(requests.toFixed(1)));
}

/** A number of bytes, short. */
export function sizeText(bytes: number): string {
  if (bytes === 0) return '–';
  if (bytes >= 1024 * 1024) return `${bytes / 1024 / 1024} MiB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
