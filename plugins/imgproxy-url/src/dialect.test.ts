import { type ImageRequest, NO_OPERATIONS, RequestError, SettingsError } from '@tintype/core';
import { describe, expect, test } from 'vitest';
import { ImgproxyDialect } from './dialect.ts';

const SOURCE = 'https://example.com/cat.jpg';

const plain = new ImgproxyDialect({ presets: [], onlyPresets: false, baseUrl: '' });

function parse(options: string, dialect: ImgproxyDialect = plain): ImageRequest {
  return dialect.parse({ target: `/sig${options}/plain/${SOURCE}` });
}

function refusal(target: string, dialect: ImgproxyDialect = plain): RequestError {
  try {
    dialect.parse({ target });
  } catch (error) {
    if (RequestError.is(error)) return error;
    throw error;
  }
  throw new Error(`${target} was accepted`);
}

/** The sentence that `options` are refused with; every one must be a 400. */
function sentence(options: string): string {
  const error = refusal(`/sig/${options}/plain/${SOURCE}`);
  expect(error.status).toBe(400);
  return error.message;
}

test('a URL without options asks for nothing but the source, made fit for the web', () => {
  expect(parse('')).toStrictEqual({
    source: SOURCE,
    mode: 'transform',
    operations: NO_OPERATIONS,
    output: { format: null, quality: 0 },
    cachebuster: '',
    response: { expiresAt: undefined, filename: undefined, attachment: false },
  });
});

describe('each option is read into its operation', () => {
  const center = { type: 'compass', at: 'center', x: 0, y: 0 };
  test.each([
    [
      'rs:fill:300:400:1:1:so:10:-0.5',
      {
        resize: {
          type: 'fill',
          width: 300,
          height: 400,
          enlarge: true,
          extend: { type: 'compass', at: 'south', x: 10, y: -0.5 },
        },
      },
    ],
    ['resize:fill-down', { resize: { type: 'fill-down', width: 0, height: 0, enlarge: false, extend: null } }],
    ['s:1:2:true:t', { resize: { type: 'fit', width: 1, height: 2, enlarge: true, extend: center } }],
    ['size::7', { resize: { type: 'fit', width: 0, height: 7, enlarge: false, extend: null } }],
    ['rt:auto', { resize: { type: 'auto', width: 0, height: 0, enlarge: false, extend: null } }],
    ['w:5/h:6/el:1', { resize: { type: 'fit', width: 5, height: 6, enlarge: true, extend: null } }],
    ['rs:force:9:9/rs::3', { resize: { type: 'force', width: 3, height: 9, enlarge: false, extend: null } }],
    [
      'ex:1:fp:0.25:1',
      { resize: { type: 'fit', width: 0, height: 0, enlarge: false, extend: { type: 'focus', x: 0.25, y: 1 } } },
    ],
    ['mw:3/min-height:4', { minWidth: 3, minHeight: 4 }],
    ['z:2', { zoom: { x: 2, y: 2 } }],
    ['zoom:0.5:1.5', { zoom: { x: 0.5, y: 1.5 } }],
    ['dpr:2.5', { dpr: 2.5 }],
    ['g:sm', { gravity: { type: 'smart' } }],
    ['g:nowe:0.1', { gravity: { type: 'compass', at: 'north-west', x: 0.1, y: 0 } }],
    ['g:fp:0.2:0.8', { gravity: { type: 'focus', x: 0.2, y: 0.8 } }],
    ['g:no:5:5/g:ea', { gravity: { type: 'compass', at: 'east', x: 0, y: 0 } }],
    ['c:0.5:100', { crop: { width: 0.5, height: 100, gravity: null } }],
    ['crop:10:20:sm', { crop: { width: 10, height: 20, gravity: { type: 'smart' } } }],
    ['t:10', { trim: { threshold: 10, color: null, equalHorizontal: false, equalVertical: false } }],
    ['trim:0:F0a:1:true', { trim: { threshold: 0, color: [255, 0, 170], equalHorizontal: true, equalVertical: true } }],
    ['t:10/t::fff', { trim: null }],
    ['pd:1', { padding: { top: 1, right: 1, bottom: 1, left: 1 } }],
    ['pd:1:2', { padding: { top: 1, right: 2, bottom: 1, left: 2 } }],
    ['padding:1:2:3', { padding: { top: 1, right: 2, bottom: 3, left: 2 } }],
    ['pd::2::4', { padding: { top: 0, right: 2, bottom: 0, left: 4 } }],
    ['ar:0', { autoRotate: false }],
    ['rot:90', { rotate: 90 }],
    ['rotate:-90', { rotate: 270 }],
    ['rot:720', { rotate: 0 }],
    ['fl:1', { flip: { horizontal: true, vertical: false } }],
    ['flip::1', { flip: { horizontal: false, vertical: true } }],
    ['bg:1:2:255', { background: [1, 2, 255] }],
    ['background:0102ff', { background: [1, 2, 255] }],
    ['bg:000/bg:', { background: null }],
    ['bl:1.5/sharpen:.7', { blur: 1.5, sharpen: 0.7 }],
    ['sm:false', { stripMetadata: false }],
  ])('%s', (options, expected) => {
    expect(parse(`/${options}`).operations).toStrictEqual({ ...NO_OPERATIONS, ...expected });
  });

  test('format, quality and cachebuster', () => {
    const request = parse('/f:png/q:75/cb:v1');
    expect(request.output).toStrictEqual({ format: 'png', quality: 75 });
    expect(request.cachebuster).toBe('v1');
  });

  test('an extension after the source takes precedence over the option', () => {
    const target = `/sig/ext:png/plain/${SOURCE}@jpg`;
    expect(plain.parse({ target }).output.format).toBe('jpeg');
  });

  test('expires is turned from seconds into milliseconds, and 0 is never', () => {
    expect(parse('/exp:1900000000').response.expiresAt).toBe(1_900_000_000_000);
    expect(parse('/expires:0').response.expiresAt).toBeUndefined();
  });

  test('a time in the past is read, not judged', () => {
    expect(parse('/exp:1').response.expiresAt).toBe(1000);
  });

  test('a file name is percent-escaped, or base64 if the flag says so', () => {
    expect(parse('/fn:caf%C3%A9%20au%20lait.jpg').response.filename).toBe('café au lait.jpg');
    expect(parse(`/filename:${Buffer.from('café:1').toString('base64url')}:1`).response.filename).toBe('café:1');
    expect(parse('/fn:Y2Fm:0').response.filename).toBe('Y2Fm');
  });

  test('return_attachment asks for a download', () => {
    expect(parse('/att:1').response.attachment).toBe(true);
  });
});

describe('raw', () => {
  test('is a mode in which nothing else counts', () => {
    const raw = parse('/raw:1');
    expect(raw.mode).toBe('raw');
    expect(parse('/w:100/raw:t/q:3/f:png')).toStrictEqual(raw);
  });

  test('leaves an extension unread, which may be one of a document', () => {
    const target = `/sig/raw:1/plain/${SOURCE}@pdf`;
    expect(plain.parse({ target }).output.format).toBeNull();
  });

  test('can be taken back', () => {
    expect(parse('/raw:1/raw:0').mode).toBe('transform');
  });
});

test('colons that a server on the way has escaped count as colons', () => {
  expect(parse('/rs%3Afill%3a300').operations.resize).toMatchObject({ type: 'fill', width: 300 });
});

test('the query is neither read nor part of what is signed', () => {
  const target = `/sig/w:1/plain/${SOURCE}?w=2/h:3`;
  const request = plain.parse({ target });
  expect(plain.signatureOf({ target }).payload).toBe(`/w:1/plain/${SOURCE}`);
  expect(request.source).toBe(SOURCE);
});

test('the payload is what was received, not what it is understood as', () => {
  const payload = '/rs%3Afill/plain/https:/example.com/%63at.jpg@png';
  expect(plain.signatureOf({ target: `/sig${payload}` })).toStrictEqual({ text: 'sig', payload });
});

describe('wrong options are refused with one sentence that names them', () => {
  test.each([
    ['rezise:fill:1:1', 'Option "rezise" is unknown.'],
    ['https:', 'Option "https" is unknown; a source that is not base64 needs /plain/ before it.'],
    ['toString:1', 'Option "toString" is unknown.'],
    ['__proto__:1', 'Option "__proto__" is unknown.'],
    [':1', 'Option "" is unknown.'],
    ['w:', 'Option "w": the width must be a whole number from 0 to 1000000, and it is missing.'],
    ['width:abc', 'Option "width": the width must be a whole number from 0 to 1000000, not "abc".'],
    ['w:1:2', 'Option "w": it takes at most one argument, not 2.'],
    ['rs:fill:1:1:1:1:ce:0:0:0', 'Option "rs": it takes at most 8 arguments, not 9.'],
    ['w:NaN', 'not "NaN"'],
    ['w:Infinity', 'not "Infinity"'],
    ['w:-1', 'not "-1"'],
    ['w:1.5', 'not "1.5"'],
    ['w:1e3', 'not "1e3"'],
    ['w:0x10', 'not "0x10"'],
    ['w:1000001', 'not "1000001"'],
    [`w:${'9'.repeat(400)}`, `not "${'9'.repeat(40)}…"`],
    ['dpr:0', 'Option "dpr": the factor must be a number above 0 and up to 100, not "0".'],
    ['dpr:-1', 'not "-1"'],
    ['dpr:Infinity', 'not "Infinity"'],
    ['dpr:NaN', 'not "NaN"'],
    ['z:1:0', 'Option "z": the factor'],
    ['bl:-1', 'Option "bl": sigma must be a number from 0 to 1000, not "-1".'],
    ['bl:1.2.3', 'not "1.2.3"'],
    ['bl:.', 'not "."'],
    ['bl:-', 'not "-"'],
    ['rt:stretch', 'Option "rt": the resizing type must be fit, fill, fill-down, force or auto, not "stretch".'],
    ['el:yes', 'Option "el": it must be 1, t, true, 0, f or false, not "yes".'],
    ['rs:fit:1:1:2', 'Option "rs": enlarge must be'],
    ['rs:fit:1:1:1::no', 'Option "rs": extend must be'],
    ['ex:1:sm', 'Option "ex": the gravity must be'],
    ['g:up', 'Option "g": the gravity must be'],
    ['g:fp:0.5', 'Option "g": y of the focus point must be a number from 0 to 1, and it is missing.'],
    ['g:fp:0.5:1.1', 'y of the focus point'],
    ['g:sm:1', 'Option "g": what follows the gravity sm must be empty'],
    ['g:no:x', 'Option "g": the x offset'],
    ['g:obj:face', 'The gravity "obj" is not supported'],
    ['c:-1', 'Option "c": the width'],
    ['t:a', 'Option "t": the threshold'],
    ['t:1:ggg', 'Option "t": the colour must be three or six hexadecimal digits, not "ggg".'],
    ['pd:1:2:3:4:5', 'Option "pd": it takes at most 4 arguments, not 5.'],
    ['rot:45', 'Option "rot": the angle must be a multiple of 90, not "45".'],
    ['bg:1:2', 'Option "bg": blue must be a whole number from 0 to 255, and it is missing.'],
    ['bg:1:2:256', 'Option "bg": blue'],
    ['bg:ffff', 'Option "bg": the colour'],
    ['q:101', 'Option "q": the quality must be a whole number from 0 to 100, not "101".'],
    ['f:jpeg2000', 'The format "jpeg2000" is unknown; known are jpg,'],
    ['f:best', 'The format "best" is not supported.'],
    ['cb:a:b', 'Option "cb": it takes at most one argument, not 2.'],
    ['exp:tomorrow', 'Option "exp": the time'],
    ['exp:1900000000000', 'Option "exp": the time must be a whole number from 0 to 253402300799'],
    ['fn:%ZZ', 'Option "fn": the name must be percent-escaped UTF-8'],
    ['fn:a%00b', 'Option "fn": the name must be free of control characters'],
    ['fn:**:1', 'Option "fn": the name must be URL-safe base64 of UTF-8'],
    ['fn:YQ:yes', 'Option "fn": what tells whether the name is base64 must be 1'],
    ['pr:none', 'Preset "none" is unknown.'],
    ['pr:', 'Option "pr": what follows must be the name of a preset, and it is missing.'],
  ])('%s', (options, expected) => {
    expect(sentence(options)).toContain(expected);
  });

  test.each(['wm:0.5', 'watermark:1', 'mc:1', 'pixelate:5', 'exar:1', 'hs:md5:00', 'pg:1', 'msr:10'])(
    "%s is one of imgproxy's, and told apart from a misspelt one",
    (options) => {
      expect(refusal(`/sig/${options}/plain/${SOURCE}`).code).toBe('unsupported-option');
      expect(sentence(options)).toContain('not supported yet');
    },
  );

  test('what is echoed is short and harmless', () => {
    const message = sentence(`w:${'<script>"\\'.repeat(50)}`.replaceAll('"', "'"));
    expect(message).not.toMatch(/[<>\\]/);
    expect(message.length).toBeLessThan(160);
  });
});

describe('paths that cannot be answered', () => {
  test.each([
    ['/rs:fill:300:400/plain/https://example.com/cat.jpg', 403, 'missing-signature'],
    ['/rs%3Afill%3A300%3A400/plain/https://example.com/cat.jpg', 403, 'missing-signature'],
    ['/plain/https://example.com/cat.jpg', 403, 'missing-signature'],
    ['//plain/https://example.com/cat.jpg', 403, 'missing-signature'],
    ['/', 404, 'no-image'],
    ['/favicon.ico', 404, 'no-image'],
    ['/sig/', 404, 'no-image'],
    ['/sig/w:1', 400, 'invalid-source'],
    ['/sig/w:1/', 400, 'invalid-source'],
    ['http://host/sig/plain/x', 400, 'invalid-path'],
    ['', 400, 'invalid-path'],
    ['*', 400, 'invalid-path'],
    ['/sig/plain/https://example.com/é.jpg', 400, 'invalid-path'],
    ['/sig/plain/https://example.com/a b.jpg', 400, 'invalid-path'],
    ['/sig/plain/https://example.com/a\u0000b.jpg', 400, 'invalid-path'],
    ['/sig/fill/300/400/sm/0/plain/https://example.com/cat.jpg', 400, 'invalid-path'],
    ['/sig/w:1/-/w:2/plain/https://example.com/cat.jpg', 400, 'unsupported-source'],
    ['/sig/w:1/enc/abcdef', 400, 'unsupported-source'],
  ])('%j is answered %i %s', (target, status, code) => {
    expect(refusal(target)).toMatchObject({ status, code });
  });
});

describe('presets', () => {
  const dialect = new ImgproxyDialect({
    presets: ['default=q:80/w:1000', ' thumb = rs:fill:100:100/pr:soft ', 'soft=bl:1', '', '# note', 'big=w:3000'],
    onlyPresets: false,
    baseUrl: '',
  });

  test('default comes before the options of every URL', () => {
    expect(parse('', dialect)).toMatchObject({ output: { quality: 80 }, operations: { resize: { width: 1000 } } });
    expect(parse('/w:5', dialect)).toMatchObject({ output: { quality: 80 }, operations: { resize: { width: 5 } } });
  });

  test('may be nested, and several may be named at once, the later one prevailing', () => {
    expect(parse('/pr:thumb:big', dialect).operations).toMatchObject({
      resize: { type: 'fill', width: 3000, height: 100 },
      blur: 1,
    });
  });

  test('take their place among the options, which are read from left to right', () => {
    expect(parse('/w:7/preset:thumb', dialect).operations.resize.width).toBe(100);
    expect(parse('/preset:thumb/w:7', dialect).operations.resize.width).toBe(7);
  });

  test('leave no trace in requests that do not name them', () => {
    const before = JSON.stringify(parse('/h:1', dialect).operations);
    parse('/pr:thumb:big', dialect);
    expect(JSON.stringify(parse('/h:1', dialect).operations)).toBe(before);
  });

  test('are checked at the start, all of them, each problem naming variable and preset', () => {
    const presets = [
      'a=w:x',
      'b=wm:1',
      'c=pr:nobody',
      'd=pr:e',
      'e=pr:d',
      'noequals',
      'f=',
      '=w:1',
      'g=w',
      'h=w:1',
      'h=w:2',
    ];
    try {
      new ImgproxyDialect({ presets, onlyPresets: false, baseUrl: '' });
      expect.unreachable();
    } catch (error) {
      if (!SettingsError.is(error)) throw error;
      expect(new Set(error.problems.map((problem) => problem.variable))).toEqual(new Set(['TINTYPE_PRESETS']));
      expect(error.problems.map((problem) => problem.message)).toEqual([
        expect.stringContaining('"noequals" is no preset; expected name=option/option'),
        expect.stringContaining('"f=" is no preset'),
        expect.stringContaining('"=w:1" is no preset'),
        expect.stringContaining('The preset "h" is defined twice'),
        expect.stringContaining('The preset "a" is wrong: Option "w": the width must be'),
        expect.stringContaining('The preset "b" is wrong: Option "wm" is one of imgproxy\'s'),
        expect.stringContaining('The preset "c" is wrong: It names the preset "nobody", and there is none'),
        expect.stringContaining('The preset "d" is wrong: It contains itself, by way of d and e'),
        expect.stringContaining('The preset "e" is wrong: It contains itself'),
        expect.stringContaining('The preset "g" is wrong: "w" is no option'),
      ]);
    }
  });

  describe('alone', () => {
    const only = new ImgproxyDialect({ presets: ['default=q:80', 'a=w:1', 'b=h:2'], onlyPresets: true, baseUrl: '' });

    test('are named in one segment', () => {
      expect(only.parse({ target: `/sig/a:b/plain/${SOURCE}@png` })).toMatchObject({
        source: SOURCE,
        output: { quality: 80, format: 'png' },
        operations: { resize: { width: 1, height: 2 } },
      });
      const encoded = Buffer.from(SOURCE).toString('base64url');
      expect(only.parse({ target: `/sig/a/${encoded}` }).source).toBe(SOURCE);
    });

    test('leave no room for options', () => {
      expect(refusal(`/sig/w:1/plain/${SOURCE}`, only).message).toBe('Preset "w" is unknown.');
      expect(refusal(`/sig/a/h:1/plain/${SOURCE}`, only).code).toBe('invalid-source');
      expect(refusal('/sig/a', only).code).toBe('invalid-source');
    });
  });
});

describe('the base URL', () => {
  const dialect = new ImgproxyDialect({ presets: [], onlyPresets: false, baseUrl: 'https://example.com/' });

  test('goes in front of sources that do not begin with it', () => {
    const relative = dialect.parse({ target: '/sig/plain/cat.jpg' });
    expect(relative.source).toBe(SOURCE);
    expect(dialect.parse({ target: `/sig/plain/${SOURCE}` }).source).toBe(SOURCE);
    expect(dialect.parse({ target: '/sig/Y2F0LmpwZw.png' }).source).toBe(SOURCE);
  });

  test('must be absolute', () => {
    expect(() => new ImgproxyDialect({ presets: [], onlyPresets: false, baseUrl: 'images/' })).toThrow(
      'TINTYPE_BASE_URL must begin with a scheme',
    );
  });
});
