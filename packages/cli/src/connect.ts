import process from 'node:process';
import type { CheckResult, ConfiguredProxy } from '@tintype/core';
import { describeFailure, type ExitCode } from './failure.ts';

/** Longest time for letting go of what was opened, in milliseconds. */
const CLOSE_MS = 5_000;

type PartCheck = CheckResult & { readonly part: string };

/**
 * Opens the parts of a proxy as `serve` does, and tells of each in one sentence whether it can be used.
 * The proxy is closed, and the process ends: with 1 if one of them cannot.
 */
export async function connect(
  proxy: ConfiguredProxy,
  { json, warnings }: { readonly json: boolean; readonly warnings: readonly string[] },
  stdout: NodeJS.WriteStream,
): Promise<never> {
  // By itself Node would end with 1, which says that a part cannot be used.
  process.once('uncaughtException', (error: unknown) => {
    process.stderr.write(`${describeFailure(error).text}\n`, () => process.exit(2));
  });
  const checks = await proxy.check();
  const ok = checks.every((check) => check.ok);
  const code: ExitCode = ok ? 0 : 1;
  const text = json
    ? JSON.stringify({ ok, warnings, checks }, undefined, 2)
    : [...noCache(proxy), ...checks.map(sentence)].join('\n');
  await new Promise<void>((resolve) => stdout.write(`${text}\n`, () => resolve()));
  await settledInTime(proxy.close());
  // What hangs, or was left running by a part, must not keep the command from ending.
  process.exit(code);
}

function noCache({ storage }: ConfiguredProxy): readonly string[] {
  return storage === undefined ? ['There is no cache: TINTYPE_CACHE_USE is blank.'] : [];
}

function sentence(check: PartCheck): string {
  const said = check.ok ? `can be used: ${check.summary}` : `cannot be used: ${check.problem}`;
  const warning = check.ok && check.warning !== undefined ? ` Warning: ${check.warning}` : '';
  return `The ${check.part} ${said.replace(/\.$/, '')}.${warning}`;
}

async function settledInTime(work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, CLOSE_MS);
  await Promise.race([work, late.promise]).catch(() => undefined);
  clearTimeout(timer);
}
