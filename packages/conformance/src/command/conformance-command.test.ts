import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { definePlugin, SettingsError, StorageError } from '@tintype/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReferenceData, ReferenceStorage } from '../zoo/reference-storage.ts';
import { type CommandIo, conformanceCommand } from './conformance-command.ts';
import { fromModule } from './from-module.ts';

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

/** Storages of tests, for modules that only have their name. */
const shared: Record<string, unknown> = { plugin: definePlugin({ name: 'acme', register: () => {} }) };
Object.assign(globalThis, { conformanceCommandTest: shared });

function harnessThatUses(name: string, operationTimeoutMs: number): string {
  return `export default {
    operationTimeoutMs: ${operationTimeoutMs},
    create: () => ({ adapter: new globalThis.conformanceCommandTest.${name}() }),
  };`;
}

/** The command in a process of its own, for what would end this one. */
async function inProcess(adapter: string): Promise<{ code: number | null; err: string }> {
  const source = new URL('./conformance-command.ts', import.meta.url).href;
  const script = `import { conformanceCommand } from '${source}';
    const { stdout, stderr } = process;
    process.exitCode = await conformanceCommand(['--adapter', '${adapter}'], { cwd: process.cwd(), stdout, stderr });`;
  const args = ['--no-warnings', '--conditions=@tintype/source', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, err };
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
    ['an unknown option', ['--sed', '1'], '--sed is not a known flag; the nearest is --seed.'],
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
    ['is not there', '', undefined, 'There is no file ./missing.mjs'],
    ['throws', 'throw new Error("no licence")', 'throws.mjs', 'no licence'],
    ['exports nothing', 'export const x = 1;', 'nothing.mjs', 'must export as default'],
    ['exports half an adapter', 'export default { get() {} }', 'half.mjs', 'an object with get'],
    [
      'makes half an adapter',
      'export default () => ({ get() {}, open() {} })',
      'some.mjs',
      'it lacks capabilities, close',
    ],
    ['has a harness that makes nothing', 'export default { create() {} }', 'empty.mjs', 'returned no `adapter`'],
    [
      'has a harness that makes half an adapter',
      'export default { create: () => ({ adapter: { capabilities: {}, open() {}, get() {} } }) }',
      'partial.mjs',
      'Its adapter lacks capabilities.listConsistency, capabilities.readConsistency, close',
    ],
    [
      'exports a plugin',
      'export default globalThis.conformanceCommandTest.plugin',
      'plugin.mjs',
      'is a plugin: name it in TINTYPE_PLUGINS',
    ],
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

  test('a module that never finishes loading, or whose function never answers', async () => {
    const loading = await module('loading.mjs', 'await new Promise(() => {});');
    await expect(fromModule(loading, folder, 50)).rejects.toThrow(
      /cannot be loaded: .*loading it did not settle within 50/,
    );
    const calling = await module('calling.mjs', 'export default () => new Promise(() => {});');
    // Loaded already: a slow disk is not what is waited for.
    await import(join(folder, calling));
    await expect(fromModule(calling, folder, 50)).rejects.toThrow(/was called and threw .*the call did not settle/);
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

  test('credentials that only operations find wrong', async () => {
    const denied = (): never => {
      throw new StorageError({ code: 'access-denied', message: 'The key id is unknown.' });
    };
    class Refused extends ReferenceStorage {
      override answer(): void {
        denied();
      }
    }
    const { code, err } = await run(['--use', 's3'], { storageOf: () => new Refused() });
    expect(err).toBe('s3 refused the credentials: The key id is unknown.\n');
    expect(code).toBe(2);
  });

  test('a store that does not open', async () => {
    class Never extends ReferenceStorage {
      override open(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const path = await module('never.mjs', harnessThatUses('Never', 50));
    shared.Never = Never;
    const { code, err } = await run(['--adapter', path]);
    expect(err).toBe('./never.mjs never answers: open() did not settle within 50 ms.\n');
    expect(code).toBe(2);
  });

  test('a store that opens and never answers', async () => {
    class Silent extends ReferenceStorage {
      override stat(): Promise<never> {
        return new Promise(() => {});
      }
      override async *list(): AsyncGenerator<never, void> {
        await new Promise(() => {});
      }
    }
    const path = await module('silent.mjs', harnessThatUses('Silent', 50));
    shared.Silent = Silent;
    const { code, err } = await run(['--adapter', path]);
    expect(err).toBe('./silent.mjs never answers: neither list nor stat came back within 50 ms.\n');
    expect(code).toBe(2);
  });

  test('a report that nobody could write, before anything is tried', async () => {
    let made = 0;
    const storageOf = () => {
      made += 1;
      return new ReferenceStorage(data);
    };
    const { code, err } = await run(['--use', 'x', '--report', 'html', '--out', 'none/report.html'], { storageOf });
    expect(err).toMatch(/^--out none\/report\.html cannot be written: the folder .*none is not there/);
    expect([code, made]).toEqual([2, 0]);
  });

  test.each([
    ['is no JavaScript', 'const x = 1;\nexport default {;', /^\S+\.mjs cannot be loaded: SyntaxError: /],
    ['ends the process as it is loaded', 'process.exit(0);', /^While the storage was loaded, the process was ended/],
    [
      'throws where nobody waits',
      `setImmediate(() => { throw new Error('stray') });
       export default { create: () => new Promise((resolve) => setTimeout(resolve, 60_000)) };`,
      /: while it was opened, it threw where nobody waits for it: Error: stray\.$/m,
    ],
  ])('a module that %s', async (title, source, sentence) => {
    const path = await module(`${title.replaceAll(' ', '-')}.mjs`, source);
    const { code, err } = await inProcess(path);
    expect(err).toMatch(sentence);
    expect(err).toMatch(SENTENCE);
    expect(code).toBe(2);
  });
});
