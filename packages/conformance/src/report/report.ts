import { arch, cpus, platform } from 'node:os';
import type { StorageCapabilities } from '@tintype/core';
import { storageRequirements } from '../catalogue/catalogue.ts';
import type { TestResult } from '../engine/outcome.ts';
import type { ProfileRow } from '../profile/profile.ts';
import type { Settling } from '../storage/run-notes.ts';

/** What a run found out about one storage. */
export interface SubjectReport {
  readonly name: string;
  readonly capabilities: StorageCapabilities;
  readonly results: readonly TestResult[];
  /** How long it took until what was written showed; nothing was waited for where consistency is strong. */
  readonly settling?: Settling;
  readonly profile: readonly ProfileRow[];
  readonly ms: number;
}

/** What a run found out: plain data, as `--report json` writes it. */
export interface Report {
  readonly kind: 'tintype-conformance';
  readonly formatVersion: 1;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seed: string;
  /** Seconds. */
  readonly budget: number;
  readonly environment: { readonly node: string; readonly system: string; readonly processors: number };
  readonly subjects: readonly SubjectReport[];
}

/** Where the run took place. */
export function environmentNow(): Report['environment'] {
  return { node: process.version, system: `${platform()} ${arch()}`, processors: cpus().length };
}

/** How many of each outcome there are. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Of the failed, those whose rule is only a `should`. */
  readonly advised: number;
  readonly skipped: number;
  readonly inconclusive: number;
}

export function isAdvice(result: TestResult): boolean {
  return result.outcome.kind === 'fail' && storageRequirements.get(result.requirement)?.level === 'should';
}

export function tally(results: readonly TestResult[]): Tally {
  const count = (kind: TestResult['outcome']['kind']) =>
    results.filter((result) => result.outcome.kind === kind).length;
  const advised = results.filter(isAdvice).length;
  return {
    passed: count('pass'),
    failed: count('fail') - advised,
    advised,
    skipped: count('skipped'),
    inconclusive: count('inconclusive'),
  };
}

/** One line: `112 passed, 2 failed, 31 skipped`. */
export function tallyLine(counts: Tally): string {
  const parts = [`${counts.passed} passed`];
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.advised > 0) parts.push(`${counts.advised} should hold and don't`);
  if (counts.inconclusive > 0) parts.push(`${counts.inconclusive} inconclusive`);
  parts.push(`${counts.skipped} skipped`);
  return parts.join(', ');
}

/** `it settled within 131 ms (48 waits)`; `undefined` for a storage that was not waited for. */
export function settlingText({ settling }: SubjectReport): string | undefined {
  if (settling === undefined || settling.waits === 0) return undefined;
  return `it settled within ${Math.ceil(settling.longestMs)} ms (${settling.waits} waits)`;
}

/** The exit code that a report means: 0 all hold, 1 one is broken, 2 something could not be tested. */
export function exitCodeOf(report: Report): 0 | 1 | 2 {
  const counts = report.subjects.map((subject) => tally(subject.results));
  if (counts.some((each) => each.failed > 0)) return 1;
  return counts.some((each) => each.inconclusive > 0) ? 2 : 0;
}

/** Why a test did not pass, in one sentence. */
export function reasonOf(result: TestResult): string {
  const { outcome } = result;
  if (outcome.kind === 'fail') return outcome.problem;
  return outcome.kind === 'pass' ? '' : outcome.reason;
}
