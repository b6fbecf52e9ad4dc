import { type RequirementGroup, storageCatalogue } from './catalogue.ts';
import type { Need } from './requirement.ts';

/** The documentation page of the catalogue: `docs/conformance.md` is this text. */
export function cataloguePage(groups: readonly RequirementGroup[] = storageCatalogue): string {
  const count = groups.flatMap((group) => group.requirements).length;
  const lines = [
    '# What a storage owes',
    '',
    '<!-- Made from packages/conformance/src/catalogue : change it there, then run the tests of the catalogue with TINTYPE_WRITE_DOCS=1. -->',
    '',
    `${count} requirements, each with a stable id and at least one test in the suite of \`@tintype/conformance\`.`,
    'A **must** that fails makes a storage unfit; a *should* is told and counted.',
    'Where a requirement needs a capability that the storage does not declare, or something that only its harness can do, it is skipped with that reason.',
    '',
    ...groups.map((group) => `* [${group.name}](#${group.name}): ${group.about}`),
    '',
  ];
  for (const group of groups) {
    lines.push(`## ${group.name}`, '', group.about, '', '| id | rule | needs | from |', '|---|---|---|---|');
    for (const { id, level, rule, needs, source } of group.requirements) {
      const text = level === 'must' ? rule : `*Should:* ${rule}`;
      lines.push(`| \`${id}\` | ${cell(text)} | ${(needs ?? []).map(needText).join(', ')} | ${cell(source)} |`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

function needText(need: Need): string {
  if (need.startsWith('hook:')) return `the harness’s \`${need.slice(5)}\``;
  if (need.startsWith('not:')) return `\`${need.slice(4)}\` not declared`;
  return /[A-Z]/.test(need) || need === 'ranges' || need === 'evicts' ? `\`${need}\`` : need.replaceAll('-', ' ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
