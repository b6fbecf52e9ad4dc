import { isAdvice, type Report, reasonOf, tally } from './report.ts';

/** The report as JUnit XML, which CI services read: one suite per storage, one case per test. */
export function junitReport(report: Report): string {
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="tintype conformance">'];
  for (const subject of report.subjects) {
    const counts = tally(subject.results);
    lines.push(
      `  <testsuite name=${attribute(subject.name)} tests="${subject.results.length}" failures="${counts.failed}" ` +
        `errors="${counts.inconclusive}" skipped="${counts.skipped + counts.advised}" ` +
        `time="${(subject.ms / 1_000).toFixed(3)}" timestamp="${report.startedAt}">`,
    );
    for (const result of subject.results) {
      const open = `    <testcase classname=${attribute(result.requirement)} name=${attribute(result.title)} time="${(result.ms / 1_000).toFixed(3)}"`;
      const { outcome } = result;
      const reason = attribute(reasonOf(result));
      if (outcome.kind === 'pass') lines.push(`${open}/>`);
      else if (outcome.kind === 'skipped') lines.push(`${open}><skipped message=${reason}/></testcase>`);
      else if (outcome.kind === 'inconclusive') lines.push(`${open}><error message=${reason}/></testcase>`);
      else if (isAdvice(result)) lines.push(`${open}><skipped message=${reason}/></testcase>`);
      else lines.push(`${open}><failure message=${reason}>${escaped(outcome.details.join('\n'))}</failure></testcase>`);
    }
    lines.push('  </testsuite>');
  }
  lines.push('</testsuites>', '');
  return lines.join('\n');
}

/** Text without what XML 1.0 cannot hold (§2.2), its own characters escaped. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function attribute(text: string): string {
  return `"${escaped(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`;
}
