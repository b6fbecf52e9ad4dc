/** What became of one test. Nothing passes silently: what did not run says why. */
export type Outcome =
  | { readonly kind: 'pass' }
  /** `problem` says what was seen; `details` are lines such as the smallest failing history. */
  | { readonly kind: 'fail'; readonly problem: string; readonly details: readonly string[] }
  /** It does not apply: a capability isn't declared, or the harness cannot do what it takes. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** What the test presupposes did not come about. */
  | { readonly kind: 'inconclusive'; readonly reason: string };

/** The result of one test. */
export interface TestResult {
  readonly requirement: string;
  readonly title: string;
  readonly outcome: Outcome;
  readonly ms: number;
  /** Made by the fault proxy from recorded answers, not by a server of the vendor. */
  readonly emulated: boolean;
}

/** Thrown by a test: the requirement does not hold. */
export class RequirementBroken extends Error {
  override readonly name = 'RequirementBroken';
  readonly details: readonly string[];

  constructor(problem: string, details: readonly string[] = []) {
    super(problem);
    this.details = details;
  }
}

/** Thrown by a test: it could not be brought about what the test is about. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive';
}

/** Thrown by a test that finds out only while running that it does not apply. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** What a test that ended without having looked at anything is told. */
export const NOTHING_ASSERTED = 'The test ended without having looked at anything.';

/** A failure as runners shall print it: the message alone, for the stack leads into the suite and not to the fault. */
export function reportedFailure(message: string): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}`;
  return error;
}

/** An error in a few words, for reports. */
export function describeError(error: unknown): string {
  if (error instanceof RequirementBroken || error instanceof Inconclusive) return error.message;
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
    return `${error.name}${code}: ${error.message}`;
  }
  return String(error);
}

/** The outcome that an error thrown by a test means. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof RequirementBroken) return { kind: 'fail', problem: error.message, details: error.details };
  if (error instanceof Inconclusive) return { kind: 'inconclusive', reason: error.message };
  if (error instanceof NotApplicable) return { kind: 'skipped', reason: error.message };
  return { kind: 'fail', problem: describeError(error), details: stackOf(error) };
}

/** Where the suite itself lies: an author looks for the place in the adapter. */
const OWN = new URL('../', import.meta.url).href;

function stackOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  return error.stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && !line.includes(OWN) && !line.includes('node:internal'))
    .slice(0, 5);
}
