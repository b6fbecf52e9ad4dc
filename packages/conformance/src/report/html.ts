import { storageCatalogue } from '../catalogue/catalogue.ts';
import type { Requirement } from '../catalogue/requirement.ts';
import type { TestResult } from '../engine/outcome.ts';
import { latencyPlots } from './latency-plot.ts';
import { isAdvice, type Report, reasonOf, type SubjectReport, settlingText, tally } from './report.ts';
import { requestsText, sizeText } from './text.ts';

/** Text within HTML. */
export function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The same, with what stands between backticks as code. */
function prose(text: string): string {
  return html(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

/** The report as one self-contained page: storages across, requirements down, and what failed and why. */
export function htmlReport(report: Report): string {
  const names = report.subjects.map((subject) => subject.name);
  const facts = [
    `${report.startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    `Node ${report.environment.node}`,
    report.environment.system,
    `${report.environment.processors} processors`,
    `seed ${report.seed}`,
    `budget ${report.budget} s`,
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Conformance of ${html(names.join(', '))}</title>
<style>${STYLE}</style>
<header>
<h1>Conformance</h1>
<p class="facts">${facts.map((fact) => `<span>${html(fact)}</span>`).join('')}</p>
</header>
<main>
<section class="cards">${report.subjects.map(card).join('')}</section>
${failures(report)}
<section><h2>Every requirement</h2>
<table class="matrix"><thead><tr><th scope="col">requirement</th>${names.map((name) => `<th scope="col">${html(name)}</th>`).join('')}</tr></thead>
${storageCatalogue.map((group) => groupRows(report, group.name, group.about, group.requirements)).join('\n')}
</table></section>
${report.subjects.map(latency).join('')}
${capabilityTable(report)}
</main>
<footer>Made by <code>tintype conformance</code>. The same again: <code>--seed ${html(report.seed)} --budget ${report.budget}</code>.</footer>
</html>
`;
}

function card(subject: SubjectReport): string {
  const counts = tally(subject.results);
  const verdict = counts.failed > 0 ? 'fail' : counts.inconclusive > 0 ? 'inconclusive' : 'pass';
  const word = { fail: 'does not conform', inconclusive: 'not tested in full', pass: 'conforms' }[verdict];
  const parts = [
    ['pass', counts.passed, 'passed'],
    ['fail', counts.failed, 'failed'],
    ['advice', counts.advised, 'should hold'],
    ['inconclusive', counts.inconclusive, 'inconclusive'],
    ['skipped', counts.skipped, 'skipped'],
  ] as const;
  const bar = parts
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `<i class="${kind}" style="flex:${count}" title="${count}"></i>`)
    .join('');
  const legend = parts
    .filter(([, count]) => count > 0)
    .map(([kind, count, label]) => `<li><b class="dot ${kind}"></b>${count} ${label}</li>`)
    .join('');
  const settled = settlingText(subject);
  return `<article class="card ${verdict}"><h2>${html(subject.name)}</h2><p class="verdict">${word}</p>
<div class="bar">${bar}</div><ul>${legend}${settled === undefined ? '' : `<li>${settled}</li>`}</ul><p class="time">${(subject.ms / 1_000).toFixed(1)} s</p></article>`;
}

/** Failures first: of what could not be tested, most follows from them. */
function failures(report: Report): string {
  const section = (heading: string, kind: TestResult['outcome']['kind']) => {
    const blocks = report.subjects.flatMap((subject) =>
      subject.results
        .filter((result) => result.outcome.kind === kind)
        .map((result) => failure(subject, result, report.subjects.length > 1)),
    );
    return blocks.length === 0 ? '' : `<section><h2>${heading}</h2>${blocks.join('')}</section>`;
  };
  return section('What failed, and why', 'fail') + section('What could not be tested, and why', 'inconclusive');
}

function failure(subject: SubjectReport, result: TestResult, named: boolean): string {
  const requirement = ruleOf(result.requirement);
  const kind = isAdvice(result) ? 'advice' : result.outcome.kind;
  const details = result.outcome.kind === 'fail' ? result.outcome.details : [];
  return `<article class="failure ${kind}" id="${anchor(subject, result.requirement)}">
<h3><code>${html(result.requirement)}</code>${named ? ` <span class="who">${html(subject.name)}</span>` : ''}</h3>
<p class="problem">${html(reasonOf(result))}</p>
${details.length > 0 ? `<pre>${html(details.join('\n'))}</pre>` : ''}
<dl><dt>rule</dt><dd>${prose(requirement?.rule ?? '')}</dd><dt>from</dt><dd>${prose(requirement?.source ?? '')}</dd></dl></article>`;
}

function groupRows(report: Report, name: string, about: string, requirements: readonly Requirement[]): string {
  const width = report.subjects.length + 1;
  const rows = requirements
    .filter(({ id }) => report.subjects.some((subject) => subject.results.some((result) => result.requirement === id)))
    .map((requirement) => {
      const cells = report.subjects.map((subject) => cellOf(subject, requirement.id)).join('');
      return `<tr><th scope="row"><code>${html(requirement.id)}</code><small>${prose(requirement.rule)}</small></th>${cells}</tr>`;
    });
  if (rows.length === 0) return '';
  return `<tbody><tr class="group"><th colspan="${width}">${html(name)}<small>${html(about)}</small></th></tr>${rows.join('\n')}</tbody>`;
}

const MARKS = { pass: '✓', fail: '✗', skipped: '–', inconclusive: '?', advice: '!' } as const;

function cellOf(subject: SubjectReport, id: string): string {
  const results = subject.results.filter((result) => result.requirement === id);
  const marks = results.map((result) => {
    const kind = isAdvice(result) ? 'advice' : result.outcome.kind;
    const told = [result.title, reasonOf(result), result.emulated ? 'emulated' : ''].filter((text) => text !== '');
    const mark = `<span class="mark ${kind}" title="${html(told.join(' — '))}">${MARKS[kind]}${result.emulated && kind !== 'skipped' ? '<sup>e</sup>' : ''}</span>`;
    const linked = kind === 'fail' || kind === 'inconclusive' || kind === 'advice';
    return linked ? `<a href="#${anchor(subject, id)}">${mark}</a>` : mark;
  });
  return `<td>${marks.join(' ')}</td>`;
}

function latency(subject: SubjectReport): string {
  if (subject.profile.length === 0) return '';
  return `<section><h2>Latency of ${html(subject.name)}</h2>
<p>Milliseconds by clients at a time: the lower line is the median, the upper edge of the band the 99th percentile. Both axes are logarithmic.</p>
<div class="plots">${latencyPlots(subject.profile)}</div>${requestsOf(subject)}</section>`;
}

/** `Requests of one operation: get-hit 1, put 1 (10 MiB: 4).` */
function requestsOf({ profile }: SubjectReport): string {
  const counted = profile.filter(({ requests }) => requests !== undefined);
  if (counted.length === 0) return '';
  const words = (['get-hit', 'get-miss', 'put'] as const).map((operation) => {
    const bySize = new Map(counted.filter((row) => row.operation === operation).map((row) => [row.size, row.requests]));
    const parts = [...bySize].map(
      ([size, requests]) => `${size === 0 ? '' : `${sizeText(size)} `}${requestsText(requests)}`,
    );
    return `<b>${operation}</b> ${html(parts.join(', '))}`;
  });
  return `<p>Requests of one operation: ${words.join('; ')}.</p>`;
}

function capabilityTable(report: Report): string {
  const names = Object.keys(report.subjects[0]?.capabilities ?? {});
  const rows = names.map((name) => {
    const cells = report.subjects.map((subject) => {
      const value = (subject.capabilities as unknown as Record<string, unknown>)[name];
      return `<td>${html(valueText(value))}</td>`;
    });
    return `<tr><th scope="row"><code>${html(name)}</code></th>${cells.join('')}</tr>`;
  });
  return `<section><h2>What was declared</h2><table class="declared"><thead><tr><th></th>${report.subjects
    .map((subject) => `<th scope="col">${html(subject.name)}</th>`)
    .join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></section>`;
}

function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  // JSON knows no Infinity, so a report that was read back has `null` there.
  if (value === Number.POSITIVE_INFINITY || value === null) return 'no limit';
  if (typeof value === 'number') return value.toLocaleString('en');
  if (typeof value === 'object' && value !== null) return Object.values(value).join(', ');
  return String(value);
}

function ruleOf(id: string): Requirement | undefined {
  return storageCatalogue.flatMap((group) => group.requirements).find((requirement) => requirement.id === id);
}

function anchor(subject: SubjectReport, id: string): string {
  return html(`${subject.name}-${id}`.replace(/[^a-z0-9.-]+/gi, '-'));
}

const STYLE = `
:root{--ink:#1d1f24;--soft:#667;--paper:#fbfaf7;--panel:#fff;--line:#e3e0d8;--pass:#2f7d4f;--fail:#c0392b;--skipped:#b9b6ad;--inconclusive:#c98a1b;--advice:#b07d2b;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--soft:#9a98a2;--paper:#17181c;--panel:#1f2126;--line:#34363d;--pass:#5cbf86;--fail:#f0776a;--skipped:#5d5f68;--inconclusive:#e0ad4a;--advice:#d9a956}}
*{box-sizing:border-box}body{margin:0;overflow-wrap:anywhere;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 24px}header{padding-top:40px}h1{font-size:30px;letter-spacing:-.02em;margin:0}
h2{font-size:19px;margin:40px 0 12px;letter-spacing:-.01em}.facts{color:var(--soft);margin:4px 0 24px}.facts span+span::before{content:"·";margin:0 8px}
code{font:13px/1.4 ui-monospace,monospace}.cards{display:flex;flex-wrap:wrap;gap:16px}.card{flex:1 1 240px;max-width:420px;background:var(--panel);border:1px solid var(--line);border-top:4px solid var(--pass);border-radius:8px;padding:16px 20px;position:relative}
.card.fail{border-top-color:var(--fail)}.card.inconclusive{border-top-color:var(--inconclusive)}.card h2{margin:0}.verdict{margin:0 0 12px;color:var(--pass);font-weight:600}.card.fail .verdict{color:var(--fail)}.card.inconclusive .verdict{color:var(--inconclusive)}
.bar{display:flex;height:8px;border-radius:4px;overflow:hidden;gap:1px}.bar i{min-width:3px}i.pass,.dot.pass{background:var(--pass)}i.fail,.dot.fail{background:var(--fail)}i.skipped,.dot.skipped{background:var(--skipped)}i.inconclusive,.dot.inconclusive{background:var(--inconclusive)}i.advice,.dot.advice{background:var(--advice)}
.card ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;margin:12px 0 0;padding:0;font-size:13px;color:var(--soft)}.dot{display:inline-block;width:8px;height:8px;border-radius:50%;margin-right:6px}.time{position:absolute;right:20px;top:16px;margin:0;color:var(--soft);font-size:13px}
.failure{background:var(--panel);border:1px solid var(--line);border-left:4px solid var(--fail);border-radius:6px;padding:12px 18px;margin:0 0 12px}.failure.inconclusive{border-left-color:var(--inconclusive)}.failure.advice{border-left-color:var(--advice)}
.failure h3{margin:0;font-size:15px}.failure h3 code{font-size:14px;font-weight:600}.who{color:var(--soft);font-weight:400;margin-left:8px}.problem{margin:6px 0}pre{background:var(--paper);border:1px solid var(--line);border-radius:4px;padding:10px 14px;overflow:auto;font:13px/1.6 ui-monospace,monospace;margin:8px 0}
dl{display:grid;grid-template-columns:auto 1fr;gap:2px 12px;margin:8px 0 0;font-size:13px;color:var(--soft)}dt{font-weight:600}dd{margin:0}
table{border-collapse:collapse;width:100%;background:var(--panel);border:1px solid var(--line)}th,td{padding:6px 14px;border-top:1px solid var(--line);text-align:left;vertical-align:top}thead th{position:sticky;top:0;background:var(--panel);z-index:1;font-size:13px;color:var(--soft)}
.matrix td,.matrix thead th+th{text-align:center;width:110px}th[scope=row]{font-weight:400}th small{display:block;color:var(--soft);font-weight:400;font-size:13px;line-height:1.35}.group th{background:var(--paper);font-size:15px;padding-top:14px}.group small{display:inline;margin-left:10px}
.mark{display:inline-block;min-width:1.4em;font-weight:700}.mark.pass{color:var(--pass)}.mark.fail{color:var(--panel);background:var(--fail);border-radius:4px}.mark.skipped{color:var(--skipped)}.mark.inconclusive{color:var(--panel);background:var(--inconclusive);border-radius:4px}.mark.advice{color:var(--advice)}td a{text-decoration:none}
.plots{display:flex;flex-wrap:wrap;gap:16px}.plots figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px 10px}.plots figcaption{font-weight:600;margin-bottom:4px}svg text{fill:var(--soft);font:11px system-ui,sans-serif}svg .grid{stroke:var(--line)}
.declared{width:auto}small code,dd code{font-size:12px}@media(max-width:600px){th,td{padding:6px 8px}.matrix td,.matrix thead th+th{width:64px}}footer{color:var(--soft);padding:40px 24px;font-size:13px}
:target{outline:2px solid var(--inconclusive);outline-offset:2px}`;
