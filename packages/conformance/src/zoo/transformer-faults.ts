import {
  type Operations,
  TransformError,
  type Transformer,
  type TransformRequest,
  type TransformResult,
} from '@tintype/core';
import type { TransformerHarness } from '../transformer/transformer-conformance.ts';
import type { PartFault } from './origin-fault.ts';
import { tick } from './reference-storage.ts';
import { type Pixels, ReferenceTransformer, type Size } from './reference-transformer.ts';

type Constructor = new () => Transformer;

/** A harness of the reference transformer, or of a faulty class derived from it. */
export function transformerHarness(Made: Constructor = ReferenceTransformer): TransformerHarness {
  return { create: () => ({ transformer: new Made(), another: () => new Made() }) };
}

function fault(name: string, breaks: string, caughtBy: readonly string[], Made: Constructor) {
  return { name, breaks, caughtBy, harness: transformerHarness(Made) };
}

/** Changes what is asked before the reference does it. */
function asking(change: (request: TransformRequest) => TransformRequest): Constructor {
  return class extends ReferenceTransformer {
    override transform(request: TransformRequest): Promise<TransformResult> {
      return super.transform(change(request));
    }
  };
}

/** Changes what the reference answers. */
function answering(change: (result: TransformResult, request: TransformRequest) => TransformResult): Constructor {
  return class extends ReferenceTransformer {
    override async transform(request: TransformRequest): Promise<TransformResult> {
      return change(await super.transform(request), request);
    }
  };
}

/** Chooses another size. */
function sizing(
  choose: (source: Size, resize: Operations['resize'], sound: (resize: Operations['resize']) => Size) => Size,
): Constructor {
  return class extends ReferenceTransformer {
    protected override targetOf(source: Size, resize: Operations['resize']): Size {
      return choose(source, resize, (asked) => super.targetOf(source, asked));
    }
  };
}

/** Fails with another code. */
function recoding(from: string, to: ConstructorParameters<typeof TransformError>[0]): Constructor {
  return class extends ReferenceTransformer {
    override async transform(request: TransformRequest): Promise<TransformResult> {
      try {
        return await super.transform(request);
      } catch (error) {
        if (TransformError.is(error) && error.code === from) throw new TransformError(to, error.message);
        throw error;
      }
    }
  };
}

let instances = 0;

/** Transformers with one known fault each: what proves the suite of transformers. */
export const transformerFaults: readonly PartFault<TransformerHarness>[] = [
  fault(
    'revision-by-instance',
    'Each instance has a revision of its own.',
    ['transformer.revision'],
    class extends ReferenceTransformer {
      override readonly revision = `reference-${++instances}`;
    },
  ),
  fault(
    'formats-twice',
    'A format is named twice.',
    ['transformer.supports'],
    class extends ReferenceTransformer {
      override readonly supports = {
        operations: ['resize'],
        inputFormats: ['png', 'png'],
        outputFormats: ['png'],
      } as const;
    },
  ),
  fault(
    'wrong-media-type',
    'PNG is called JPEG.',
    ['transformer.output-formats'],
    answering((result) => ({ ...result, contentType: 'image/jpeg' })),
  ),
  fault(
    'undeclared-format-ignored',
    'A format that it cannot make is answered with another.',
    ['transformer.undeclared-format'],
    asking((request) => ({
      ...request,
      output: { ...request.output, format: null },
    })),
  ),
  fault(
    'undeclared-format-is-internal',
    'A format that it cannot make is a defect.',
    ['transformer.undeclared-format'],
    recoding('unsupported', 'internal'),
  ),
  fault(
    'sides-swapped',
    'Width and height are told the wrong way round.',
    ['transformer.result-is-described', 'transformer.concurrent'],
    answering((result) => ({
      ...result,
      width: result.height,
      height: result.width,
    })),
  ),
  fault(
    'fit-ignores-the-height',
    'A box is fitted by its width alone.',
    ['transformer.fit'],
    sizing((_, resize, sound) => sound(resize.type === 'fit' && resize.width > 0 ? { ...resize, height: 0 } : resize)),
  ),
  fault(
    'fill-fits',
    '`fill` does what `fit` does.',
    ['transformer.fill'],
    sizing((_, resize, sound) => sound(resize.type === 'fill' ? { ...resize, type: 'fit' } : resize)),
  ),
  fault(
    'force-keeps-the-ratio',
    '`force` keeps the ratio.',
    ['transformer.force'],
    sizing((_, resize, sound) => sound(resize.type === 'force' ? { ...resize, type: 'fit' } : resize)),
  ),
  fault(
    'always-enlarges',
    'Small pictures are scaled up unasked.',
    ['transformer.enlarge'],
    sizing((_, resize, sound) => sound({ ...resize, enlarge: true })),
  ),
  fault(
    'never-enlarges',
    'Small pictures are not scaled up when asked.',
    ['transformer.enlarge', 'transformer.result-limit'],
    sizing((_, resize, sound) => sound({ ...resize, enlarge: false })),
  ),
  fault(
    'text-is-broken',
    'What is no image is called a broken one.',
    ['transformer.not-an-image'],
    recoding('not-an-image', 'broken-image'),
  ),
  fault(
    'broken-is-accepted',
    'Of a picture that was cut off, the rest is black.',
    ['transformer.broken-image'],
    class extends ReferenceTransformer {
      protected override decode(input: Uint8Array, size: Size): Pixels {
        try {
          return super.decode(input, size);
        } catch {
          return { ...size, data: new Uint8Array(size.width * size.height * 3) };
        }
      }
    },
  ),
  fault(
    'pixels-unlimited',
    'The limit of pixels is not looked at.',
    ['transformer.pixel-limit'],
    asking((request) => ({
      ...request,
      limits: { ...request.limits, maxSourcePixels: Number.POSITIVE_INFINITY },
    })),
  ),
  fault(
    'pixels-off-by-one',
    'A picture of exactly the limit is refused.',
    ['transformer.pixel-limit'],
    asking((request) => ({
      ...request,
      limits: { ...request.limits, maxSourcePixels: request.limits.maxSourcePixels - 1 },
    })),
  ),
  fault(
    'result-unlimited',
    'The limit of the result is not looked at.',
    ['transformer.result-limit'],
    asking((request) => ({
      ...request,
      limits: { ...request.limits, maxResultDimension: Number.POSITIVE_INFINITY },
    })),
  ),
  fault(
    'writes-to-its-input',
    'The source is used as a buffer.',
    ['transformer.input-is-unchanged', 'transformer.is-repeatable'],
    class extends ReferenceTransformer {
      override async transform(request: TransformRequest): Promise<TransformResult> {
        const result = await super.transform(request);
        request.input.fill(0, 0, 8);
        return result;
      }
    },
  ),
  fault(
    'never-the-same',
    'A result holds the time at which it was made.',
    ['transformer.is-repeatable'],
    class extends ReferenceTransformer {
      #made = 0;
      protected override encode(pixels: Pixels): Uint8Array {
        return Buffer.concat([super.encode(pixels), Buffer.from([++this.#made])]);
      }
    },
  ),
  fault(
    'requests-mix',
    'Of requests at the same time all get the last one’s source.',
    ['transformer.concurrent'],
    class extends ReferenceTransformer {
      #last: TransformRequest | undefined;
      override async transform(request: TransformRequest): Promise<TransformResult> {
        this.#last = request;
        await tick();
        return super.transform(this.#last);
      }
    },
  ),
  fault(
    'abort-hangs',
    'An aborted request never settles.',
    ['transformer.abort'],
    class extends ReferenceTransformer {
      override async transform(request: TransformRequest): Promise<TransformResult> {
        await tick();
        if (request.signal.aborted) await new Promise(() => undefined);
        return super.transform(request);
      }
    },
  ),
];
