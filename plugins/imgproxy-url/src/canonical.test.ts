import type { ImageRequest } from '@tintype/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImgproxyDialect } from './dialect.ts';
import { PROCESSING_OPTIONS } from './processing-options.ts';

const dialect = new ImgproxyDialect({ presets: [], onlyPresets: false, baseUrl: '' });

/** Everything but the signature, which is of the text. */
function meaning(path: string): Omit<ImageRequest, 'signature'> {
  const rest = dialect.parse({ target: `/sig${path}` });
  return rest;
}

const flag = fc.boolean().map((value) => (value ? '1' : '0'));
const size = fc.integer({ min: 0, max: 5000 }).map(String);
const part = fc.integer({ min: 0, max: 1000 }).map((n) => String(n / 1000));
const factor = fc.integer({ min: 1, max: 9999 }).map((n) => String(n / 100));
const offset = fc.integer({ min: -3000, max: 3000 }).map((n) => String(n / 10));
const compass = fc.constantFrom('ce', 'no', 'so', 'ea', 'we', 'noea', 'nowe', 'soea', 'sowe');
const place = fc.oneof(
  compass,
  fc.tuple(compass, offset, offset).map((t) => t.join(':')),
  fc.tuple(fc.constant('fp'), part, part).map((t) => t.join(':')),
);
const gravity = fc.oneof(place, fc.constant('sm'));
const hex = fc.integer({ min: 0, max: 0xffffff }).map((n) => n.toString(16).padStart(6, '0'));

const joined = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(':'));

/** Arguments of each option that writes what no other of these does. */
const ARGUMENTS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  resizing_type: fc.constantFrom('fit', 'fill', 'fill-down', 'force', 'auto'),
  width: size,
  height: size,
  'min-width': size,
  'min-height': size,
  zoom: fc.oneof(factor, joined(factor, factor)),
  dpr: factor,
  enlarge: flag,
  extend: fc.oneof(flag, joined(flag, place)),
  gravity,
  crop: fc.oneof(size, joined(size, part), joined(part, size, gravity)),
  trim: fc.oneof(
    size.map((n) => String(Number(n) % 1000)),
    joined(part, hex, flag, flag),
  ),
  padding: fc.oneof(size, joined(size, size), joined(size, size, size, size)),
  auto_rotate: flag,
  rotate: fc.integer({ min: -8, max: 8 }).map((n) => String(n * 90)),
  flip: fc.oneof(flag, joined(flag, flag)),
  background: hex,
  blur: factor,
  sharpen: factor,
  strip_metadata: flag,
  quality: fc.integer({ min: 0, max: 100 }).map(String),
  format: fc.constantFrom('jpg', 'jpeg', 'png', 'webp', 'avif', 'gif', 'tiff', 'bmp', 'ico', 'heic', 'jxl', 'svg'),
  raw: flag,
  cachebuster: fc.stringMatching(/^[a-z0-9._~-]{0,12}$/),
  expires: fc.integer({ min: 0, max: 2_000_000_000 }).map(String),
  filename: fc.stringMatching(/^[a-z0-9._-]{0,12}$/),
  return_attachment: flag,
};

interface Chosen {
  readonly name: string;
  readonly arguments: string;
}

/** Some of the options, each once. */
const choice: fc.Arbitrary<Chosen[]> = fc
  .subarray(Object.keys(ARGUMENTS))
  .chain((names) =>
    fc.tuple(...names.map((name) => (ARGUMENTS[name] ?? fc.constant('')).map((args) => ({ name, arguments: args })))),
  );

const aliases = new Map(PROCESSING_OPTIONS.map((option) => [option.names[0], option.names]));
const write = (options: readonly Chosen[]): string => options.map((o) => `/${o.name}:${o.arguments}`).join('');
const SOURCE = '/plain/https://example.com/cat.jpg';

describe('URLs that mean the same give the same request', () => {
  test('every option of the table takes part, but for the shorthands', () => {
    const names = PROCESSING_OPTIONS.map((option) => option.names[0]);
    expect(new Set([...Object.keys(ARGUMENTS), 'resize', 'size'])).toEqual(new Set(names));
  });

  test('in whatever order the options are', () => {
    const shuffled = choice.chain((options) =>
      fc.tuple(fc.constant(options), fc.shuffledSubarray(options, { minLength: options.length })),
    );
    fc.assert(
      fc.property(shuffled, ([options, other]) => {
        expect(meaning(write(other) + SOURCE)).toStrictEqual(meaning(write(options) + SOURCE));
      }),
    );
  });

  test('by long names or short, with empty arguments at the end, with escaped colons', () => {
    fc.assert(
      fc.property(choice, fc.nat(), fc.nat(3), fc.boolean(), (options, pick, colons, escaped) => {
        const other = options.map(({ name, arguments: args }) => {
          const names = aliases.get(name) ?? [name];
          const text = `${names[pick % names.length]}:${args}${':'.repeat(colons)}`;
          return `/${escaped ? text.replaceAll(':', '%3A') : text}`;
        });
        expect(meaning(other.join('') + SOURCE)).toStrictEqual(meaning(write(options) + SOURCE));
      }),
    );
  });

  test('with defaults written out', () => {
    const defaults =
      '/rs:fit:0:0:0:0/s:0:0/rt:fit/w:0/h:0/mw:0/mh:0/z:1:1/dpr:1.0/el:f/ex:0:no:5:5/g:ce:0:0/c:0:0:so/t:/pd:0:0:0:0' +
      '/ar:1/rot:360/fl:0:0/bg:/bl:0/sh:0/sm:true/q:0/raw:0/cb:/exp:0/fn:/att:0';
    expect(meaning(defaults + SOURCE)).toStrictEqual(meaning(SOURCE));
    fc.assert(
      fc.property(choice, (options) => {
        expect(meaning(defaults + write(options) + SOURCE)).toStrictEqual(meaning(write(options) + SOURCE));
      }),
    );
  });

  test('however numbers are written', () => {
    const same = [
      ['/w:300', '/w:0300'],
      ['/dpr:2', '/dpr:2.0', '/dpr:2.'],
      ['/bl:0.5', '/bl:.5', '/bl:00.50'],
      ['/g:no', '/g:no:0:0', '/g:no:-0:-0.0'],
      ['/rot:270', '/rot:-90', '/rot:630'],
      ['/rot:0', '/rot:-0', '/rot:-360'],
      ['/bg:ffaa00', '/bg:FFAA00', '/bg:fa0', '/bg:255:170:0'],
      ['/pd:1:2', '/pd:1:2:1:2'],
      ['/c:100', '/c:100:0', '/c:100:0:ce'],
      ['/g:so/c:100', '/c:100:0:so/g:so'],
      ['/rs:fill:300:200:1:1:no', '/rt:fill/w:300/h:200/el:1/ex:1:no', '/s:300:200:1:1:no/rt:fill'],
    ];
    for (const [first = '', ...others] of same) {
      for (const other of others) expect(meaning(other + SOURCE)).toStrictEqual(meaning(first + SOURCE));
    }
  });

  test('by jpg or jpeg, as option or extension', () => {
    const variants = [
      `/f:jpg${SOURCE}`,
      `/ext:jpeg${SOURCE}`,
      `${SOURCE}@jpg`,
      `/f:png${SOURCE}@jpeg`,
      `/f:jpg${SOURCE}@`,
    ];
    for (const variant of variants) expect(meaning(variant)).toStrictEqual(meaning(`/format:jpeg${SOURCE}`));
  });

  test('with the source escaped, or in base64, split anywhere or padded', () => {
    const url = fc
      .string({ unit: 'grapheme', maxLength: 60 })
      .filter((tail) => !/[\p{Cc}\p{Cs}]/u.test(tail))
      .map((tail) => `https://example.com/${tail}`);
    fc.assert(
      fc.property(url, fc.integer({ min: 1, max: 40 }), fc.nat(2), (source, width, padding) => {
        const digits = Buffer.from(source).toString('base64url');
        const split = digits.match(new RegExp(`.{1,${width}}`, 'g'))?.join('/') ?? '';
        const plain = meaning(`/w:1/plain/${encodeURIComponent(source)}@png`);
        expect(plain.source).toBe(source);
        expect(meaning(`/w:1/${split}${'='.repeat(padding)}.png`)).toStrictEqual(plain);
      }),
    );
  });
});

test('URLs that mean something else give another request', () => {
  fc.assert(
    fc.property(choice, (options) => {
      const request = JSON.stringify(meaning(write(options) + SOURCE));
      expect(JSON.stringify(meaning(`${write(options)}/cb:other-${SOURCE.length}${SOURCE}`))).not.toBe(request);
      if (options.some((option) => option.name === 'raw' && option.arguments === '1')) return;
      const width = meaning(write(options) + SOURCE).operations.resize.width;
      expect(JSON.stringify(meaning(`${write(options)}/w:${width + 1}${SOURCE}`))).not.toBe(request);
    }),
  );
});

test('a canonical request survives JSON', () => {
  fc.assert(
    fc.property(choice, (options) => {
      const { operations, output } = meaning(write(options) + SOURCE);
      expect(JSON.parse(JSON.stringify({ operations, output }))).toStrictEqual({ operations, output });
    }),
  );
});
