import { formatBytes, type StorageCapabilities } from '@tintype/core';
import { storageCatalogue } from '../catalogue/catalogue.ts';
import type { TestResult } from '../engine/outcome.ts';
import { isAdvice, type SubjectReport } from './report.ts';

/** What a run came to in one group of requirements: counts of tests. */
export interface GroupCounts {
  readonly passed: number;
  /** Of the passed, those whose trouble was made by the fault proxy. */
  readonly emulated: number;
  /** They need what the storage does not declare, or what its harness cannot bring about. */
  readonly skipped: number;
  /** They are beyond the server that was tried, though not beyond what the storage is made for. */
  readonly beyond: number;
  /** Broken; `advised` where the rule is only a `should`. */
  readonly failed: number;
  readonly advised: number;
  readonly inconclusive: number;
}

/** One storage on one server: a row of the matrix. Plain data, without anything that differs from run to run. */
export interface MatrixRow {
  readonly name: string;
  /** As declared after `open`; a number that JSON lacks is a word: `"Infinity"`. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** By the name of the group. */
  readonly groups: Readonly<Record<string, GroupCounts>>;
}

/**
 * The row of a run.
 *
 * @param beyond requirements that were not tried, because the server cannot do what they need.
 */
export function matrixRow(
  { name, capabilities, results }: Pick<SubjectReport, 'name' | 'capabilities' | 'results'>,
  beyond: readonly string[] = [],
): MatrixRow {
  const groups: Record<string, GroupCounts> = {};
  for (const group of storageCatalogue) {
    const ids = new Set<string>(group.requirements.map(({ id }) => id));
    const here = results.filter(({ requirement }) => ids.has(requirement));
    if (here.length > 0) groups[group.name] = countsOf(here, beyond);
  }
  // As JSON has it, so that a row which was written compares with one that was not.
  const plain = JSON.parse(JSON.stringify(capabilities, (_, value) => (value === Infinity ? 'Infinity' : value)));
  return { name, capabilities: plain, groups };
}

function countsOf(results: readonly TestResult[], beyond: readonly string[]): GroupCounts {
  const count = (fits: (result: TestResult) => boolean) => results.filter(fits).length;
  const isBeyond = ({ requirement }: TestResult) => beyond.includes(requirement);
  return {
    passed: count(({ outcome }) => outcome.kind === 'pass'),
    emulated: count(({ outcome, emulated }) => outcome.kind === 'pass' && emulated),
    skipped: count((result) => result.outcome.kind === 'skipped' && !isBeyond(result)),
    beyond: count((result) => result.outcome.kind === 'skipped' && isBeyond(result)),
    failed: count((result) => result.outcome.kind === 'fail' && !isAdvice(result)),
    advised: count(isAdvice),
    inconclusive: count(({ outcome }) => outcome.kind === 'inconclusive'),
  };
}

/** Two tables in Markdown: storages by groups of requirements, and storages by capabilities. */
export function matrixTables(rows: readonly MatrixRow[]): string {
  const groups = storageCatalogue.map(({ name }) => name).filter((name) => rows.some((row) => name in row.groups));
  return [
    table(['storage', ...groups], rows, (row) => groups.map((group) => cell(row.groups[group]))),
    '',
    '✓ tests passed, of which so many (ᵉ) with trouble that a proxy in front of the server makes; – they do not apply; ∅ beyond this server; △ should hold and do not; ✗ broken; ? could not be tried.',
    '',
    table(['storage', ...CAPABILITIES.map(([title]) => title)], rows, ({ capabilities }) =>
      CAPABILITIES.map(([, text]) => text(capabilities as unknown as StorageCapabilities)),
    ),
    '',
  ].join('\n');
}

function table(
  titles: readonly string[],
  rows: readonly MatrixRow[],
  cells: (row: MatrixRow) => readonly string[],
): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  const body = rows.map((row) => line([row.name, ...cells(row)]));
  return [line(titles), `|${titles.map(() => '---|').join('')}`, ...body].join('\n');
}

function cell(counts: GroupCounts | undefined): string {
  if (counts === undefined) return ' ';
  const { passed, emulated, skipped, beyond, failed, advised, inconclusive } = counts;
  const marks: readonly (readonly [number, string])[] = [
    [passed, emulated === 0 ? '✓' : `✓ (${emulated}ᵉ)`],
    [skipped, '–'],
    [beyond, '∅'],
    [advised, '△'],
    [failed, '✗'],
    [inconclusive, '?'],
  ];
  return marks.flatMap(([count, mark]) => (count === 0 ? [] : [`${count} ${mark}`])).join(', ');
}

const yes = (value: boolean) => (value ? 'yes' : 'no');
const size = (bytes: number | 'Infinity') => (typeof bytes === 'number' ? formatBytes(bytes) : 'any');

/** What the matrix shows of capabilities: the title, and the text of a cell. */
const CAPABILITIES: readonly (readonly [title: string, text: (capabilities: StorageCapabilities) => string])[] = [
  ['put if absent', (has) => yes(has.conditionalCreate)],
  ['put if unchanged', (has) => yes(has.conditionalReplace)],
  ['metadata if unchanged', (has) => yes(has.conditionalMetadata)],
  ['delete if unchanged', (has) => yes(has.conditionalDelete)],
  ['ranges', (has) => yes(has.ranges)],
  ['version covers metadata', (has) => yes(has.versionCoversMetadata)],
  ['reads', (has) => consistency(has.readConsistency)],
  ['listings', (has) => consistency(has.listConsistency)],
  ['forgets', (has) => yes(has.evicts)],
  ['survives', (has) => ({ none: 'nothing', process: 'the process', power: 'loss of power' })[has.durability]],
  ['native expiry', (has) => yes(has.nativeExpiry)],
  ['entry', (has) => size(has.maxObjectBytes)],
  ['metadata', (has) => size(has.maxMetadataBytes)],
];

function consistency({ kind, scope }: StorageCapabilities['readConsistency']): string {
  return scope === 'store' ? kind : `${kind}, one process`;
}
