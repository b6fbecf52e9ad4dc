import { describe, expect, test } from 'vitest';
import type { ImageRequest } from '../contracts/dialect.ts';
import { NO_OPERATIONS } from '../contracts/operations.ts';
import { bestFormat, dependenceOf, hintsIn, NEGOTIABLE, type NegotiationRules, negotiated } from './negotiation.ts';

const CHROME = 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8';
const SAFARI =
  'image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5';
const FIREFOX = 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5';

describe('of all formats', () => {
  test.each([
    [CHROME, 'avif'],
    [SAFARI, 'jxl'],
    [FIREFOX, 'avif'],
    ['image/webp', 'webp'],
    ['IMAGE/WebP ; Q=0.9', 'webp'],
    ['image/webp;q=0.9, image/avif;q=0.8', 'webp'],
    ['image/avif;q=0, image/webp', 'webp'],
    ['image/avif;q=0', undefined],
    ['image/webp;q=0.5, image/*', undefined],
    ['image/webp;q=0.5, */*;q=0.1', 'webp'],
    ['image/webp;q=0.5, image/jpeg;q=0.4, image/*', 'webp'],
    ['image/webp;q=nonsense', 'webp'],
    ['image/webp;q=', 'webp'],
    ['image/webp;q=0x0', 'webp'],
    ['*/*', undefined],
    ['image/*', undefined],
    ['image/webpx', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s gets %s', (accept, format) => {
    expect(bestFormat(accept, NEGOTIABLE)).toBe(format);
  });
});

test('only what is offered is chosen', () => {
  expect(bestFormat(CHROME, ['webp'])).toBe('webp');
  expect(bestFormat(SAFARI, ['avif', 'webp'])).toBe('avif');
  expect(bestFormat(CHROME, ['jxl'])).toBeUndefined();
  expect(bestFormat(CHROME, [])).toBeUndefined();
});

test('hints come in steps, and nonsense counts as absent', () => {
  expect(hintsIn({ 'sec-ch-dpr': '2', 'sec-ch-width': '700', 'sec-ch-viewport-width': '1281' })).toEqual({
    ratio: 2,
    width: 800,
    viewport: 1_600,
  });
  expect(hintsIn({ dpr: '1.3', width: '90000', 'viewport-width': '320' })).toEqual({
    ratio: 1.5,
    width: 3_840,
    viewport: 320,
  });
  expect(hintsIn({ 'sec-ch-dpr': '3', dpr: '1' }).ratio).toBe(3);
  const none = { ratio: undefined, width: undefined, viewport: undefined };
  expect(hintsIn({})).toEqual(none);
  expect(hintsIn({ dpr: '9', width: '0', 'viewport-width': '-5' })).toEqual(none);
  expect(hintsIn({ dpr: '1e3', width: 'NaN', 'viewport-width': '100001' })).toEqual(none);
});

const IMAGE: ImageRequest = {
  source: 'local:///a.jpg',
  mode: 'transform',
  operations: NO_OPERATIONS,
  output: { format: null, quality: 0 },
  cachebuster: '',
  response: {},
};
const NAMED: ImageRequest = {
  ...IMAGE,
  output: { format: 'png', quality: 0 },
  operations: { ...NO_OPERATIONS, dpr: 2, resize: { ...NO_OPERATIONS.resize, width: 100 } },
};
const OFF: NegotiationRules = { auto: [], enforced: [], clientHints: false };
const NOTHING = { ratio: undefined, width: undefined, viewport: undefined };

test('without options nothing depends on the client', () => {
  expect(dependenceOf(IMAGE, OFF)).toEqual({ formats: [], ratio: false, width: false, vary: '' });
});

test('what a URL names does not depend on the client, unless a format is enforced', () => {
  const rules: NegotiationRules = { auto: ['webp', 'avif'], enforced: [], clientHints: true };
  expect(dependenceOf(IMAGE, rules)).toMatchObject({ formats: ['avif', 'webp'], ratio: true, width: true });
  expect(dependenceOf(IMAGE, rules).vary).toBe(
    'accept, sec-ch-dpr, dpr, sec-ch-width, width, sec-ch-viewport-width, viewport-width',
  );
  expect(dependenceOf(NAMED, rules)).toEqual({ formats: [], ratio: false, width: false, vary: '' });
  expect(dependenceOf(NAMED, { ...rules, enforced: ['webp'] })).toMatchObject({ formats: ['webp'], vary: 'accept' });
  expect(dependenceOf({ ...IMAGE, mode: 'raw' }, { ...rules, enforced: ['webp'] }).vary).toBe('');
});

test('the image of a client that says nothing is the image itself, so that its key is the same', () => {
  const rules: NegotiationRules = { auto: ['webp'], enforced: [], clientHints: true };
  expect(negotiated(IMAGE, dependenceOf(IMAGE, rules), undefined, NOTHING)).toBe(IMAGE);
});

test('hints stand in for what the URL does not name', () => {
  const rules: NegotiationRules = { auto: ['webp'], enforced: [], clientHints: true };
  const of = (image: ImageRequest, hints: Parameters<typeof negotiated>[3]) => {
    const { operations, output } = negotiated(image, dependenceOf(image, rules), undefined, hints);
    return [operations.resize.width, operations.dpr, output.format];
  };
  expect(of(IMAGE, { ratio: 2, width: 800, viewport: 1_280 })).toEqual([400, 2, null]);
  expect(of(IMAGE, { ratio: 2, width: undefined, viewport: 1_280 })).toEqual([1_280, 2, null]);
  expect(of(NAMED, { ratio: 3, width: 800, viewport: undefined })).toEqual([100, 2, 'png']);
});
