import { type ImageFormat, NO_OPERATIONS, type Operations, TransformError } from '@tintype/core';
import { NotApplicable, RequirementBroken } from '../engine/outcome.ts';
import { slowness } from '../engine/patience.ts';
import type { PlainTest } from '../engine/plain-suite.ts';
import { Random } from '../engine/random.ts';
import { settled, within } from '../engine/waiting.ts';
import { bytesDiffer } from '../storage/client.ts';
import { expect } from '../storage/env.ts';
import { pngBomb, pngOf, pngSize } from './png.ts';
import type { TransformerEnv } from './transformer-conformance.ts';

/** Longest time for one step, in milliseconds. */
const STEP_MS = 30_000;
/** How long a request may take to end after its abort, in milliseconds. */
const GIVEN_UP_MS = 15_000;

const FORMATS: readonly ImageFormat[] = [
  'jpeg',
  'png',
  'webp',
  'avif',
  'gif',
  'svg',
  'tiff',
  'heic',
  'jxl',
  'bmp',
  'ico',
];

/** How files of a format begin, where a few bytes tell. */
const BEGINNINGS: Partial<Record<ImageFormat, (bytes: Buffer) => boolean>> = {
  jpeg: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8,
  png: (bytes) => bytes.subarray(1, 4).toString('latin1') === 'PNG',
  webp: (bytes) => bytes.subarray(8, 12).toString('latin1') === 'WEBP',
  avif: (bytes) => bytes.subarray(4, 12).toString('latin1').startsWith('ftypavi'),
  gif: (bytes) => bytes.subarray(0, 4).toString('latin1') === 'GIF8',
  tiff: (bytes) => ['II', 'MM'].includes(bytes.subarray(0, 2).toString('latin1')),
};

const MEDIA_TYPES: Partial<Record<ImageFormat, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
  gif: 'image/gif',
  tiff: 'image/tiff',
};

function resized(resize: Partial<Operations['resize']>): { readonly operations: Partial<Operations> } {
  return { operations: { resize: { ...NO_OPERATIONS.resize, ...resize } } };
}

async function expectCode(what: string, transforming: Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  const outcome = await within(STEP_MS, what, settled(transforming));
  if (outcome.ok) throw new RequirementBroken(`${what} was transformed instead of ${codes.join(' or ')}.`);
  const { error } = outcome;
  if (!TransformError.is(error)) throw new RequirementBroken(`${what} rejected with ${String(error)}.`);
  expect(codes.includes(error.code), `${what} rejected with ${error.code} instead of ${codes.join(' or ')}.`);
}

/** Transforms to PNG and reads the size from the result itself. */
async function sizeAfter(
  env: TransformerEnv,
  input: Uint8Array,
  resize: Partial<Operations['resize']>,
): Promise<{ readonly width: number; readonly height: number }> {
  if (!env.transformer.supports.outputFormats.includes('png')) throw new NotApplicable('it makes no PNG');
  const result = await env.transform(input, { ...resized(resize), format: 'png' });
  const size = pngSize(result.body);
  if (size === undefined) throw new RequirementBroken('The result is no PNG.');
  return size;
}

export const transformerTests: readonly PlainTest<TransformerEnv>[] = [
  {
    requirement: 'transformer.revision',
    title: 'a text, equal for equal settings',
    async run({ subject }) {
      const { revision } = subject.transformer;
      expect(typeof revision === 'string' && revision.length > 0, `revision is ${JSON.stringify(revision)}.`);
      const other = subject.another?.();
      expect(
        other === undefined || other.revision === revision,
        `Two instances say ${revision} and ${other?.revision}.`,
      );
    },
  },
  {
    requirement: 'transformer.supports',
    title: 'known names, each once',
    async run({ transformer }) {
      const { operations, inputFormats, outputFormats } = transformer.supports;
      const strange = operations.find((name) => !(name in NO_OPERATIONS));
      expect(strange === undefined, `There is no operation ${strange}.`);
      for (const formats of [inputFormats, outputFormats]) {
        expect(formats.length > 0, 'It names no format.');
        expect(new Set(formats).size === formats.length, `A format is named twice: ${formats.join(', ')}.`);
        const unknown = formats.find((format) => !FORMATS.includes(format));
        expect(unknown === undefined, `There is no format ${unknown}.`);
      }
    },
  },
  {
    requirement: 'transformer.output-formats',
    title: 'each declared format is made',
    async run(env) {
      const input = pngOf(64, 48);
      for (const format of env.transformer.supports.outputFormats) {
        const result = await env.transform(input, { format });
        const type = MEDIA_TYPES[format];
        expect(
          type === undefined || result.contentType === type,
          `Content-Type of ${format} is ${result.contentType}.`,
        );
        const begins = BEGINNINGS[format]?.(Buffer.from(result.body)) ?? result.body.length > 0;
        expect(begins, `What should be ${format} does not begin so.`);
      }
    },
  },
  {
    requirement: 'transformer.undeclared-format',
    title: 'other formats are unsupported',
    async run(env) {
      const { outputFormats } = env.transformer.supports;
      for (const format of FORMATS.filter((each) => !outputFormats.includes(each))) {
        await expectCode(`A PNG asked for as ${format}`, env.transform(pngOf(8, 8), { format }), 'unsupported');
      }
    },
  },
  {
    requirement: 'transformer.result-is-described',
    title: 'width and height are the picture’s',
    async run(env) {
      for (const [width, height] of [
        [64, 48],
        [1, 1],
        [33, 97],
      ] as const) {
        const result = await env.transform(pngOf(width, height), { format: 'png' });
        const size = pngSize(result.body);
        const told = size?.width === result.width && size.height === result.height;
        expect(told, `It says ${result.width} × ${result.height} and is ${size?.width} × ${size?.height}.`);
        expect(
          size?.width === width && size.height === height,
          `${width} × ${height} became ${size?.width} × ${size?.height}.`,
        );
      }
    },
  },
  {
    requirement: 'transformer.fit',
    title: 'within the box, ratio kept',
    async run(env) {
      for (const [box, expected] of [
        [
          { width: 100, height: 100 },
          { width: 100, height: 50 },
        ],
        [
          { width: 100, height: 10 },
          { width: 20, height: 10 },
        ],
        [
          { width: 100, height: 0 },
          { width: 100, height: 50 },
        ],
        [
          { width: 0, height: 25 },
          { width: 50, height: 25 },
        ],
      ] as const) {
        const size = await sizeAfter(env, pngOf(400, 200), { type: 'fit', ...box });
        const near = Math.abs(size.width - expected.width) <= 1 && Math.abs(size.height - expected.height) <= 1;
        expect(near, `400 × 200 fit into ${JSON.stringify(box)} became ${size.width} × ${size.height}.`);
      }
    },
  },
  {
    requirement: 'transformer.fill',
    title: 'exactly the box',
    async run(env) {
      const size = await sizeAfter(env, pngOf(400, 200), { type: 'fill', width: 60, height: 90 });
      expect(size.width === 60 && size.height === 90, `fill of 60 × 90 became ${size.width} × ${size.height}.`);
    },
  },
  {
    requirement: 'transformer.force',
    title: 'exactly the box, ratio ignored',
    async run(env) {
      const size = await sizeAfter(env, pngOf(400, 200), { type: 'force', width: 60, height: 90 });
      expect(size.width === 60 && size.height === 90, `force of 60 × 90 became ${size.width} × ${size.height}.`);
    },
  },
  {
    requirement: 'transformer.enlarge',
    title: 'scaled up only when asked',
    async run(env) {
      const box = { type: 'fit', width: 200, height: 200 } as const;
      const kept = await sizeAfter(env, pngOf(40, 20), box);
      expect(kept.width === 40 && kept.height === 20, `Without enlarge 40 × 20 became ${kept.width} × ${kept.height}.`);
      const larger = await sizeAfter(env, pngOf(40, 20), { ...box, enlarge: true });
      expect(
        larger.width === 200 && larger.height === 100,
        `With enlarge it became ${larger.width} × ${larger.height}.`,
      );
    },
  },
  {
    requirement: 'transformer.not-an-image',
    title: 'text, nothing and noise',
    async run(env) {
      const cases = {
        text: new TextEncoder().encode('<!doctype html><p>Not found'),
        nothing: new Uint8Array(0),
        noise: new Random('noise').bytes(5_000),
      };
      for (const [name, input] of Object.entries(cases)) await expectCode(name, env.transform(input), 'not-an-image');
    },
  },
  {
    requirement: 'transformer.broken-image',
    title: 'a PNG cut off in the middle',
    async run(env) {
      const whole = pngOf(300, 300);
      const transforming = env.transform(whole.subarray(0, Math.floor(whole.length / 2)), resized({ width: 50 }));
      await expectCode('Half a PNG', transforming, 'broken-image');
    },
  },
  {
    requirement: 'transformer.pixel-limit',
    title: 'a small file that promises many pixels, and one pixel above the limit',
    async run(env) {
      let seconds = Number.POSITIVE_INFINITY;
      // Whatever holds the machine up for a while does so once.
      for (let i = 0; i < 3 && seconds > 2; i++) {
        const started = performance.now();
        await expectCode('A PNG of 30,000 × 30,000', env.transform(pngBomb(30_000, 30_000)), 'too-many-pixels');
        seconds = (performance.now() - started) / slowness() / 1_000;
      }
      expect(seconds < 2, 'Three times it took more than two seconds to see from the header.');
      const limits = { maxSourcePixels: 100 * 100 - 1 };
      await expectCode(
        'A PNG one pixel above the limit',
        env.transform(pngOf(100, 100), { limits }),
        'too-many-pixels',
      );
      await env.transform(pngOf(100, 100), { limits: { maxSourcePixels: 100 * 100 } });
    },
  },
  {
    requirement: 'transformer.result-limit',
    title: 'a side above the limit is refused',
    async run(env) {
      const asked = { ...resized({ width: 500, enlarge: true }), limits: { maxResultDimension: 400 } };
      await expectCode('A result of 500 pixels', env.transform(pngOf(50, 50), asked), 'result-too-large');
    },
  },
  {
    requirement: 'transformer.input-is-unchanged',
    title: 'the source is as before',
    async run(env) {
      const input = pngOf(100, 80);
      const before = input.slice();
      await env.transform(input, resized({ width: 30 }));
      expect(bytesDiffer(input, before) === undefined, 'The source was written to.');
    },
  },
  {
    requirement: 'transformer.is-repeatable',
    title: 'three times the same',
    async run(env) {
      const input = pngOf(200, 150);
      const results = [];
      for (let i = 0; i < 3; i++) results.push((await env.transform(input, resized({ width: 70 }))).body);
      for (const body of results) {
        const differ = bytesDiffer(body, results[0] ?? new Uint8Array(0));
        expect(differ === undefined, `The same request gave ${differ}.`);
      }
    },
  },
  {
    requirement: 'transformer.concurrent',
    title: '12 requests of 12 sizes',
    async run(env) {
      await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          const result = await env.transform(pngOf(100 + i, 60 + i), { format: 'png' });
          const right = result.width === 100 + i && result.height === 60 + i;
          expect(right, `${100 + i} × ${60 + i} became ${result.width} × ${result.height}.`);
        }),
      );
    },
  },
  {
    requirement: 'transformer.abort',
    title: 'an aborted request does not hang, nor what comes after it',
    async run(env) {
      const controller = new AbortController();
      const transforming = settled(env.transform(pngOf(1_500, 1_500), { signal: controller.signal }));
      controller.abort(new Error('nobody wants it'));
      await within(GIVEN_UP_MS, 'An aborted request', transforming);
      const result = await within(STEP_MS, 'The request after an aborted one', env.transform(pngOf(20, 20)));
      expect(result.width === 20, `The next request gave a width of ${result.width}.`);
    },
  },
];
