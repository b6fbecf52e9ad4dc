import type { ImageRequest } from '../contracts/dialect.ts';
import type { HttpFields } from '../contracts/http-fields.ts';

/** Formats that not every client understands, the best first. */
export const NEGOTIABLE = ['jxl', 'avif', 'webp'] as const;

export type NegotiableFormat = (typeof NEGOTIABLE)[number];

/** What may depend on the request's header fields. */
export interface NegotiationRules {
  /** Used for URLs that name no format, where the client understands it. */
  readonly auto: readonly NegotiableFormat[];
  /** Used whatever format a URL names, where the client understands it. */
  readonly enforced: readonly NegotiableFormat[];
  /** Whether the client's hints stand in for a width and a pixel ratio that a URL does not name. */
  readonly clientHints: boolean;
}

/**
 * The best of some formats for an `Accept` field (RFC 9110 §12.5.1): at most four outcomes, however many
 * texts there are. Only a format that is named counts: browsers send wildcards for what they do not
 * understand. Of those with the highest quality the first in `NEGOTIABLE` wins, unless the client says
 * that it likes a plain image better.
 */
export function bestFormat(
  accept: string | undefined,
  formats: readonly NegotiableFormat[],
): NegotiableFormat | undefined {
  if (accept === undefined || formats.length === 0) return undefined;
  const qualities = qualitiesIn(accept);
  let best: NegotiableFormat | undefined;
  let quality = qualities.get('image/jpeg') ?? qualities.get('image/*') ?? qualities.get('*/*') ?? 0;
  for (const format of NEGOTIABLE) {
    const own = formats.includes(format) ? (qualities.get(`image/${format}`) ?? 0) : 0;
    if (own > 0 && (best === undefined ? own >= quality : own > quality)) {
      best = format;
      quality = own;
    }
  }
  return best;
}

const WEIGHT = /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/;

/** Types with their quality from 0 to 1; of a type that stands there twice, the higher. */
function qualitiesIn(accept: string): ReadonlyMap<string, number> {
  const qualities = new Map<string, number>();
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
    const text = weight === undefined ? '' : weight.slice(weight.indexOf('=') + 1).trim();
    // What is no weight says nothing against the type. RFC 9110 §12.4.2.
    const quality = WEIGHT.test(text) ? Number(text) : 1;
    qualities.set(type, Math.max(quality, qualities.get(type) ?? 0));
  }
  return qualities;
}

/** Pixel ratios and widths that are made; between them the next larger one is. */
const RATIOS = [1, 1.5, 2, 3, 4, 6, 8];
const WIDTHS = [160, 240, 320, 480, 640, 800, 960, 1_280, 1_600, 1_920, 2_560, 3_200, 3_840];

/** Fields that hints come in: the name that is used today, then the older one. */
const HINTS = {
  ratio: ['sec-ch-dpr', 'dpr'],
  width: ['sec-ch-width', 'width'],
  viewport: ['sec-ch-viewport-width', 'viewport-width'],
} as const;

/** What a client said of its screen, in steps, so that there are few of them. */
export interface Hints {
  readonly ratio: number | undefined;
  /** Of the image, in physical pixels. */
  readonly width: number | undefined;
  /** Of the window, in CSS pixels. */
  readonly viewport: number | undefined;
}

/** Hints in steps; one that is no number, or beyond what can be, counts as absent. */
export function hintsIn(headers: HttpFields): Hints {
  const hint = (names: readonly string[], steps: readonly number[], most: number) => {
    const text = names.map((name) => headers[name]).find((value) => value !== undefined);
    const value = text !== undefined && /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : 0;
    if (value <= 0 || value > most) return undefined;
    return steps.find((step) => step >= value) ?? steps.at(-1);
  };
  return {
    ratio: hint(HINTS.ratio, RATIOS, 8),
    width: hint(HINTS.width, WIDTHS, 100_000),
    viewport: hint(HINTS.viewport, WIDTHS, 100_000),
  };
}

/** What of an image depends on header fields. */
export interface Dependence {
  /** Among these formats the client's `Accept` decides. */
  readonly formats: readonly NegotiableFormat[];
  readonly ratio: boolean;
  readonly width: boolean;
  /** The fields that decide, as in `Vary`; blank for none. */
  readonly vary: string;
}

/** What of an image would depend on header fields under these rules; what a URL names does not. */
export function dependenceOf(image: ImageRequest, { auto, enforced, clientHints }: NegotiationRules): Dependence {
  const transforms = image.mode === 'transform';
  const open = image.output.format === null;
  const formats = transforms
    ? NEGOTIABLE.filter((name) => enforced.includes(name) || (open && auto.includes(name)))
    : [];
  const hints = transforms && clientHints;
  const ratio = hints && image.operations.dpr === 1;
  const width = hints && image.operations.resize.width === 0;
  const fields = [
    ...(formats.length > 0 ? ['accept'] : []),
    // A width in physical pixels means another one in CSS pixels for each ratio.
    ...(ratio || width ? HINTS.ratio : []),
    ...(width ? [...HINTS.width, ...HINTS.viewport] : []),
  ];
  return { formats, ratio, width, vary: fields.join(', ') };
}

/** The image as it is for one client. The same object where nothing of the client changes it. */
export function negotiated(
  image: ImageRequest,
  dependence: Dependence,
  format: NegotiableFormat | undefined,
  hints: Hints,
): ImageRequest {
  const { operations, output } = image;
  const ratio = dependence.ratio ? (hints.ratio ?? 1) : operations.dpr;
  // Of both, the image's own width says more.
  const width = !dependence.width
    ? undefined
    : hints.width === undefined
      ? hints.viewport
      : Math.max(1, Math.round(hints.width / (hints.ratio ?? 1)));
  if (format === undefined && ratio === operations.dpr && width === undefined) return image;
  return {
    ...image,
    output:
      format === undefined ? output : { ...output, format, ...(format === 'webp' ? {} : { moving: output.format }) },
    operations: {
      ...operations,
      dpr: ratio,
      resize: width === undefined ? operations.resize : { ...operations.resize, width },
    },
  };
}
