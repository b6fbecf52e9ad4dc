import { SettingsError } from '@tintype/core';

/**
 * What a command ends with.
 *
 * | code | meaning |
 * |---|---|
 * | 0 | success |
 * | 1 | it ran, and something failed the check |
 * | 2 | wrong usage, wrong configuration, or it could not run |
 */
export type ExitCode = 0 | 1 | 2;

/** Ends a command with one sentence for the person at the terminal, or with none if all is told already. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: ExitCode;

  constructor(message: string, code: ExitCode = 2, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What to print of an error, and how to end. A defect keeps its stack: someone has to find it. */
export function describeFailure(error: unknown): { readonly text: string; readonly code: ExitCode } {
  if (error instanceof Failure) return { text: error.message, code: error.code };
  if (SettingsError.is(error)) return { text: describeProblems(error), code: 2 };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `This is a defect of tintype or of a plugin:\n${text}`, code: 2 };
}

function describeProblems({ problems }: SettingsError): string {
  if (problems.length === 1) return problems[0]?.message ?? '';
  return [`${problems.length} settings are wrong:`, ...problems.map(({ message }) => `  ${message}`)].join('\n');
}

/** The first line of what was thrown, to stand at the end of a sentence. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').replace(/\.$/, '');
}
