import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { RequirementBroken } from '../engine/outcome.ts';
import type { MatrixRow } from '../report/matrix.ts';

/** Set, it makes runs write what they came to instead of comparing it. */
const VARIABLE = 'TINTYPE_CONFORMANCE_RECORD';

/**
 * Compares a run with what is on record, or puts it there.
 *
 * @param file JSON of a row.
 * @throws RequirementBroken if they differ, if nothing is on record, or if not every test has passed that is
 *   to be put there.
 */
export async function compareWithRecord(row: MatrixRow, file: URL): Promise<void> {
  if (process.env[VARIABLE]) {
    const broken = Object.values(row.groups).some(({ failed, inconclusive }) => failed + inconclusive > 0);
    if (broken) throw new RequirementBroken('Nothing is put on record: not every test passed.');
    await mkdir(dirname(fileURLToPath(file)), { recursive: true });
    await writeFile(file, `${JSON.stringify(row, undefined, 2)}\n`);
    return;
  }
  const name = file.pathname.split('/').slice(-3).join('/');
  const hint = `If that is as it should be, ${VARIABLE}=1 puts it on record.`;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new RequirementBroken(`${name} is not there; ${VARIABLE}=1 puts the result on record.`);
  }
  const recorded = JSON.parse(text) as MatrixRow;
  const differences = [
    ...differing('group', recorded.groups, row.groups),
    ...differing('capability', recorded.capabilities, row.capabilities),
  ];
  if (differences.length > 0) throw new RequirementBroken(`The run differs from ${name}. ${hint}`, differences);
}

function differing(
  what: string,
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names
    .filter((name) => !isDeepStrictEqual(before[name], now[name]))
    .map((name) => `${what} ${name}: ${JSON.stringify(before[name])} on record, ${JSON.stringify(now[name])} now`);
}
