import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { matrixRow } from '../report/matrix.ts';
import { ReferenceStorage } from '../zoo/reference-storage.ts';
import { compareWithRecord } from './recorded.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'record-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const { capabilities } = new ReferenceStorage();
const passed = {
  requirement: 'list.byte-order',
  title: '',
  outcome: { kind: 'pass' },
  ms: 1,
  emulated: false,
} as const;
const failed = { ...passed, outcome: { kind: 'fail', problem: 'broken', details: [] } } as const;
const skipped = { ...passed, outcome: { kind: 'skipped', reason: 'a reason' } } as const;
const rowOf = (...results: (typeof passed | typeof failed | typeof skipped)[]) =>
  matrixRow({ name: 'x', capabilities, results });
const file = () => pathToFileURL(join(folder, 'new/x.json'));

async function onRecord(): Promise<void> {
  vi.stubEnv('TINTYPE_CONFORMANCE_RECORD', '1');
  await compareWithRecord(rowOf(passed), file());
  vi.stubEnv('TINTYPE_CONFORMANCE_RECORD', undefined);
}

test('what a run came to is put on record, and the same is no difference', async () => {
  await onRecord();
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(rowOf(passed));
  await compareWithRecord(rowOf(passed), file());
});

test('another outcome or capability is a difference, and said', async () => {
  await onRecord();
  await expect(compareWithRecord(rowOf(skipped), file())).rejects.toMatchObject({
    name: 'RequirementBroken',
    details: [expect.stringMatching(/^group list: .*"passed":1.* on record, .*"passed":0.* now$/)],
  });
  const weaker = { ...rowOf(passed), capabilities: { ...rowOf(passed).capabilities, ranges: 'never' } };
  await expect(compareWithRecord(weaker, file())).rejects.toMatchObject({
    details: [expect.stringContaining('capability ranges')],
  });
});

test('what is on record of a suite with other tests is out of date, which is a difference', async () => {
  await onRecord();
  await expect(compareWithRecord(rowOf(passed, passed), file())).rejects.toMatchObject({ name: 'RequirementBroken' });
});

test('a run in which a test failed is not put on record', async () => {
  vi.stubEnv('TINTYPE_CONFORMANCE_RECORD', '1');
  await expect(compareWithRecord(rowOf(failed), file())).rejects.toThrow('not every test passed');
  await expect(readFile(file())).rejects.toThrow();
});

test('where nothing is on record it is said how to put it there', async () => {
  await expect(compareWithRecord(rowOf(passed), file())).rejects.toThrow('TINTYPE_CONFORMANCE_RECORD=1 puts');
});
