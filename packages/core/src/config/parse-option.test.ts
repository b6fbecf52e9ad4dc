import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OptionKind, OptionSpec } from '../contracts/options.ts';
import { formatBind, isLoopbackBind, parseBind } from './bind.ts';
import { type ParsedOption, parseOption, type RawSetting } from './parse-option.ts';

const parse = (kind: OptionKind, raw: RawSetting, more: Partial<OptionSpec> = {}): ParsedOption =>
  parseOption({ kind, description: '', ...more }, raw, '/srv');

const value = (parsed: ParsedOption): unknown => (parsed.ok ? parsed.value : `expected ${parsed.expected}`);

describe('what each kind reads', () => {
  test.each<[OptionKind, RawSetting, unknown]>([
    ['string', ' text ', 'text'],
    ['boolean', 'true', true],
    ['boolean', 'F', false],
    ['boolean', '1', true],
    ['boolean', false, false],
    ['integer', '-7', -7],
    ['number', '.5', 0.5],
    ['seconds', '1.5', 1.5],
    ['seconds', 3, 3],
    ['bytes', '1048576', 1_048_576],
    ['bytes', '64MiB', 67_108_864],
    ['bytes', '1.5 gib', 1_610_612_736],
    ['bytes', '10GiB', 10_737_418_240],
    ['megapixels', '50', 50_000_000],
    ['megapixels', '0.25', 250_000],
    ['list', 'a, b,,c ', ['a', 'b', 'c']],
    ['list', ['a,b', 'c'], ['a,b', 'c']],
    ['list', '', []],
    ['hexList', '', []],
    ['hexList', 'C0ffee, 00', [Uint8Array.of(0xc0, 0xff, 0xee), Uint8Array.of(0)]],
    ['hexList', ['aa'], [Uint8Array.of(0xaa)]],
    ['path', 'cache', resolve('/srv/cache')],
    ['path', '/var/cache', resolve('/var/cache')],
    ['bind', ':8080', { kind: 'tcp', host: '', port: 8080 }],
  ])('%s %j', (kind, raw, expected) => {
    expect(value(parse(kind, raw))).toEqual(expected);
  });

  test('an enum takes its choices in any case and gives them as the table writes them', () => {
    expect(value(parse('enum', 'INFO', { choices: ['info', 'warn'] }))).toBe('info');
  });
});

describe('what each kind refuses', () => {
  test.each<[OptionKind, RawSetting]>([
    ['boolean', 'yes'],
    ['boolean', ''],
    ['integer', '1.5'],
    ['integer', '1e3'],
    ['integer', '99999999999999999999'],
    ['number', 'NaN'],
    ['number', 'Infinity'],
    ['number', '0x10'],
    ['seconds', '-1'],
    ['seconds', '10s'],
    ['seconds', Number.NaN],
    ['bytes', '1.5'],
    ['bytes', '10GB'],
    ['bytes', '-1'],
    ['bytes', '99999999GiB'],
    ['megapixels', '-1'],
    ['hexList', 'abc'],
    ['hexList', 'aa,,bb'],
    ['hexList', 'zz'],
    ['string', ['a']],
    ['bind', 'localhost'],
  ])('%s %j', (kind, raw) => {
    expect(parse(kind, raw).ok).toBe(false);
  });

  test('a number outside its limits, with the limits in the message', () => {
    expect(parse('integer', '33', { min: 1, max: 32 })).toEqual({ ok: false, expected: 'a whole number, 1 to 32' });
    expect(parse('number', '-1', { min: 0 })).toEqual({ ok: false, expected: 'a number, 0 or more' });
    expect(parse('number', '3', { max: 2 })).toEqual({ ok: false, expected: 'a number, 2 or less' });
  });

  test('one of several hex values, by its position', () => {
    expect(value(parse('hexList', 'aa,b'))).toContain("(number 2 of 2 isn't)");
  });
});

describe('written and read again', () => {
  test('bytes in every unit', () => {
    const units = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom(...Object.entries(units)), (amount, [unit, size]) => {
        expect(value(parse('bytes', `${amount}${unit}`))).toBe(amount * size);
      }),
    );
  });

  test('hex lists', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1 }), (lists) => {
        const text = lists.map((bytes) => Buffer.from(bytes).toString('hex')).join(',');
        expect(value(parse('hexList', text))).toEqual(lists);
      }),
    );
  });

  test('lists of what has neither comma nor outer blanks', () => {
    const item = fc.stringMatching(/^[^,\s]([^,]*[^,\s])?$/);
    fc.assert(
      fc.property(fc.array(item), (list) => {
        expect(value(parse('list', list.join(',')))).toEqual(list);
      }),
    );
  });

  test('finite non-negative numbers', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(999), (whole, thousandths) => {
        const number = whole + thousandths / 1000;
        expect(value(parse('seconds', number.toFixed(3)))).toBe(Number(number.toFixed(3)));
      }),
    );
  });

  test('any text at all is read or refused, never thrown at', () => {
    const kinds: OptionKind[] = ['boolean', 'integer', 'number', 'seconds', 'bytes', 'megapixels', 'hexList', 'bind'];
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...kinds), (text, kind) => {
        expect(typeof parse(kind, text).ok).toBe('boolean');
      }),
    );
  });

  test('addresses to listen on', () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    const host = fc.oneof(fc.ipV4(), fc.constantFrom('', 'localhost', 'images.example.com', '::1', '::', 'fd00::1:2'));
    fc.assert(
      fc.property(host, port, (name, number) => {
        const bind = { kind: 'tcp', host: name, port: number } as const;
        expect(parseBind(formatBind(bind), '/')).toEqual(bind);
      }),
    );
  });
});

describe('where to listen', () => {
  test.each([
    ['127.0.0.1:8080', { kind: 'tcp', host: '127.0.0.1', port: 8080 }],
    ['[::1]:8080', { kind: 'tcp', host: '::1', port: 8080 }],
    [':8080', { kind: 'tcp', host: '', port: 8080 }],
    ['3000', { kind: 'tcp', host: '127.0.0.1', port: 3000 }],
    ['/run/tintype.sock', { kind: 'unix', path: '/run/tintype.sock' }],
    ['./tintype.sock', { kind: 'unix', path: '/srv/tintype.sock' }],
    ['unix:tintype.sock', { kind: 'unix', path: '/srv/tintype.sock' }],
  ])('%s', (text, bind) => {
    expect(parseBind(text, '/srv')).toEqual(bind);
  });

  test.each(['', 'localhost', '::1:8080', '[localhost]:80', 'a b:80', '1.2.3.4:65536', '70000', 'host:http', 'unix:'])(
    'not at %j',
    (text) => {
      expect(parseBind(text, '/srv')).toBeUndefined();
    },
  );

  test.each(['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', '3000', './a.sock', '[::ffff:127.0.0.1]:1'])(
    '%s is this machine only',
    (text) => {
      const bind = parseBind(text, '/srv');
      expect(bind && isLoopbackBind(bind)).toBe(true);
    },
  );

  test.each([':1', '0.0.0.0:1', '[::]:1', '10.0.0.1:1', 'example.com:1', '127.example.com:1'])(
    '%s is open to others',
    (text) => {
      const bind = parseBind(text, '/srv');
      expect(bind && isLoopbackBind(bind)).toBe(false);
    },
  );
});
