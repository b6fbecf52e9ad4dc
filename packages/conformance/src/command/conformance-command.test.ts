import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SettingsError, StorageError } from '@tintype/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReferenceData, ReferenceStorage } from '../zoo/reference-storage.ts';
import { type CommandIo, conformanceCommand } from './conformance-command.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conformance-command-'));
});
afterAll(() => rm(folder, { recursive: true }));

const data = new ReferenceData();

async function run(
  argv: readonly string[],
  io: Partial<CommandIo> = {},
): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await conformanceCommand(argv, {
    cwd: folder,
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    storageOf: () => new ReferenceStorage(data),
    ...io,
  });
  return { code, out: out.join(''), err: err.join('') };
}

async function module(name: string, source: string): Promise<string> {
  await writeFile(join(folder, name), source);
  return `./${name}`;
}

/** One sentence: a line that ends with a full stop, and no stack. */
const SENTENCE = /^[^\n]+\.\n$/;

describe('exit code 0', () => {
  test('a storage that conforms', async () => {
    const { code, out } = await run(['--use', 'reference', '--only', 'range,list.nothing', '--budget', '1']);
    expect(out).toContain('reference conforms: 9 passed');
    expect(code).toBe(0);
  });

  test('--merge puts the storages of several runs into one table', async () => {
    const file = join(folder, 'first.json');
    const only = ['--only', 'list.nothing'];
    await run(['--use', 'first', ...only, '--report', 'json', '--out', file]);
    const { code, out } = await run(['--use', 'second', ...only, '--merge', file, '--report', 'markdown']);
    expect(out).toContain('| requirement | first | second |');
    for (const name of ['first', 'second']) expect(out).toMatch(new RegExp(`^\\| ${name} \\| 1 ✓ \\|$`, 'm'));
    const alone = await run(['--merge', file, '--report', 'markdown']);
    expect(alone.out).toContain('| requirement | first |');
    expect([code, alone.code]).toEqual([0, 0]);
  });

  test('--list prints every requirement with its rule', async () => {
    const { code, out } = await run(['--list', '--only', 'keys']);
    expect(out).toContain('keys.alphabet  Every allowed character');
    expect(code).toBe(0);
  });
});

describe('exit code 1', () => {
  class Faulty extends ReferenceStorage {
    override async delete(): Promise<void> {}
  }

  test('a broken requirement is told with its rule', async () => {
    const { code, out } = await run(['--use', 'faulty', '--only', 'delete.removes'], { storageOf: () => new Faulty() });
    expect(out).toContain('✗ delete.removes');
    expect(out).toContain('is found after a delete');
    expect(out).toContain('rule: After a delete');
    expect(code).toBe(1);
  });

  test.each([
    ['json', (text: string) => expect(JSON.parse(text).subjects[0].results[0].outcome.kind).toBe('fail')],
    ['junit', (text: string) => expect(text).toMatch(/<testsuite name="faulty" tests="1" failures="1" errors="0"/)],
    ['markdown', (text: string) => expect(text).toContain('| `delete.removes` | ✗ |')],
    ['html', (text: string) => expect(text).not.toMatch(/<(script|link|img)|src=|https?:/)],
  ] as const)('--report %s --out writes it', async (format, look) => {
    const file = join(folder, `report.${format}`);
    const argv = ['--use', 'faulty', '--only', 'delete.removes', '--report', format, '--out', file];
    const { code } = await run(argv, { storageOf: () => new Faulty() });
    look(await readFile(file, 'utf8'));
    expect(code).toBe(1);
  });
});

describe('exit code 2, with one sentence', () => {
  test.each([
    ['nothing to test', [], 'Say what to test'],
    ['an unknown option', ['--sed', '1'], "Unknown option '--sed'"],
    ['a report that is not there', ['--use', 'x', '--merge', 'none.json'], '--merge none.json cannot be read'],
    ['a budget that is none', ['--use', 'x', '--budget', 'much'], '--budget much is no number'],
    ['an unknown format', ['--use', 'x', '--report', 'pdf'], '--report pdf is unknown'],
    ['an unknown requirement', ['--use', 'x', '--only', 'put.nonsense'], '--only put.nonsense fits no requirement'],
  ] as const)('%s', async (_, argv, sentence) => {
    const { code, err } = await run(argv);
    expect(err).toContain(sentence);
    expect(err).toMatch(SENTENCE);
    expect(code).toBe(2);
  });

  test.each([
    ['is not there', '', undefined, 'cannot be loaded'],
    ['throws', 'throw new Error("no licence")', 'throws.mjs', 'no licence'],
    ['exports nothing', 'export const x = 1;', 'nothing.mjs', 'must export as default'],
    ['exports half an adapter', 'export default { get() {} }', 'half.mjs', 'an object with get'],
    ['makes something else', 'export default () => 42', 'number.mjs', 'returned a number'],
    ['throws when called', 'export default () => { throw new Error("no disk") }', 'call.mjs', 'no disk'],
    [
      'has a harness that throws',
      'export default { create() { throw new Error("no bucket") } }',
      'harness.mjs',
      'no bucket',
    ],
  ] as const)('a module that %s', async (_, source, name, sentence) => {
    const path = name === undefined ? './missing.mjs' : await module(name, source);
    const { code, err } = await run(['--adapter', path]);
    expect(err).toContain(sentence);
    expect(err).toMatch(SENTENCE);
    expect(code).toBe(2);
  });

  test('wrong settings', async () => {
    const storageOf = () => {
      throw new SettingsError([{ variable: 'TINTYPE_CACHE_BUCKET', message: 'TINTYPE_CACHE_BUCKET is required.' }]);
    };
    const { code, err } = await run(['--use', 's3'], { storageOf });
    expect(err).toBe('TINTYPE_CACHE_BUCKET is required.\n');
    expect(code).toBe(2);
  });

  test('wrong credentials', async () => {
    class Refused extends ReferenceStorage {
      override async open(): Promise<void> {
        throw new StorageError({ code: 'access-denied', message: 'The key id is unknown.' });
      }
    }
    const { code, err } = await run(['--use', 's3'], { storageOf: () => new Refused() });
    expect(err).toBe('s3 refused the credentials: The key id is unknown.\n');
    expect(code).toBe(2);
  });

  test('a store that never answers', async () => {
    const never =
      'export default { operationTimeoutMs: 50, create: () => ({ adapter: { capabilities: {}, open: () => new Promise(() => {}), close: async () => {} } }) }';
    const { code, err } = await run(['--adapter', await module('never.mjs', never)]);
    expect(err).toBe('./never.mjs never answers: open() did not settle within 50 ms.\n');
    expect(code).toBe(2);
  });
});
