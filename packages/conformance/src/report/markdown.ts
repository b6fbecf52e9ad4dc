import { storageCatalogue } from '../catalogue/catalogue.ts';
import { matrixRow, matrixTables } from './matrix.ts';
import { type Report, reasonOf, settlingText, tally, tallyLine } from './report.ts';
import { requestsText, sizeText } from './text.ts';

const MARKS = { pass: '✓', fail: '✗', skipped: '–', inconclusive: '?' } as const;

/** The report as a Markdown page: storages across, requirements down. */
export function markdownReport(report: Report): string {
  const names = report.subjects.map((subject) => subject.name);
  const lines = [
    '# Conformance',
    '',
    `${report.startedAt.slice(0, 10)}, Node ${report.environment.node}, ${report.environment.system}, seed \`${report.seed}\`, budget ${report.budget} s.`,
    '',
    ...report.subjects.map(
      (subject) =>
        `* **${subject.name}**: ${[tallyLine(tally(subject.results)), settlingText(subject)].filter(Boolean).join('; ')}.`,
    ),
    '',
    matrixTables(report.subjects.map((subject) => matrixRow(subject))),
  ];
  for (const group of storageCatalogue) {
    const ran = group.requirements.filter((requirement) =>
      report.subjects.some((subject) => subject.results.some((result) => result.requirement === requirement.id)),
    );
    if (ran.length === 0) continue;
    lines.push(
      `## ${group.name}`,
      '',
      `| requirement | ${names.join(' | ')} |`,
      `|---|${names.map(() => '---|').join('')}`,
    );
    for (const { id } of ran) {
      const cells = report.subjects.map((subject) => {
        const results = subject.results.filter((result) => result.requirement === id);
        return results.map((result) => MARKS[result.outcome.kind]).join(' ') || ' ';
      });
      lines.push(`| \`${id}\` | ${cells.join(' | ')} |`);
    }
    lines.push('');
  }
  for (const subject of report.subjects) {
    const failures = subject.results.filter((result) => ['fail', 'inconclusive'].includes(result.outcome.kind));
    if (failures.length > 0) lines.push(`## What ${subject.name} breaks`, '');
    for (const result of failures) {
      lines.push(`* \`${result.requirement}\`: ${escapeCell(reasonOf(result))}`);
      if (result.outcome.kind === 'fail' && result.outcome.details.length > 0) {
        lines.push('', '  ```', ...result.outcome.details.map((detail) => `  ${detail}`), '  ```');
      }
    }
    if (failures.length > 0) lines.push('');
    if (subject.profile.length === 0) continue;
    lines.push(
      `## Latency of ${subject.name}`,
      '',
      '| operation | size | clients | p50 ms | p99 ms | per s | requests |',
      '|---|---|---|---|---|---|---|',
    );
    for (const row of subject.profile) {
      lines.push(
        `| ${row.operation} | ${sizeText(row.size)} | ${row.concurrency} | ${row.p50.toFixed(3)} | ${row.p99.toFixed(3)} | ${row.rate.toFixed(0)} | ${requestsText(row.requests)} |`,
      );
    }
    lines.push('');
  }
  return lines.join('\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
