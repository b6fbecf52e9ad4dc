import type { ResizeType, Rgb } from '@tintype/core';
import type { Arguments } from './arguments.ts';
import { decodeBase64Url, decodePercent, hasControlCharacter } from './decode.ts';
import type { Patch } from './draft.ts';
import { readFormat } from './formats.ts';
import { CENTER, readGravity } from './gravity.ts';
import { LARGEST_FACTOR, LARGEST_SIGMA, LARGEST_SIZE, LATEST_EXPIRY } from './limits.ts';

/** One option that URLs may have. The table in the README has a row for each. */
export interface ProcessingOption {
  /** Long name first, then the short ones. */
  readonly names: readonly [long: string, ...short: string[]];
  /** Its arguments, as the README shows them. */
  readonly arguments: string;
  /** How many of them there may be. */
  readonly most: number;
  /** What holds without the option, as the README shows it. */
  readonly default: string;
  /** One sentence for the README. */
  readonly description: string;
  /**
   * Writes what the arguments ask for. Whole: nothing that the same option wrote before may stay,
   * except by `resize` and `size`, which are shorthand and leave alone what they leave out.
   *
   * @throws RequestError 400 that names the option.
   */
  readonly read: (args: Arguments, patch: Patch) => void;
}

const RESIZE_TYPES: ReadonlySet<string> = new Set<ResizeType>(['fit', 'fill', 'fill-down', 'force', 'auto']);

/** Whether `text` is one of imgproxy's resizing types. */
export function isResizeType(text: string): text is ResizeType {
  return RESIZE_TYPES.has(text);
}

function readResizeType(args: Arguments, patch: Patch): void {
  const type = args.text(0);
  if (!isResizeType(type)) throw args.wrong(0, 'the resizing type', 'fit, fill, fill-down, force or auto');
  patch.type = type;
}

function readSize(args: Arguments, patch: Patch): void {
  if (args.has(0)) patch.width = args.integer(0, 'the width', 0, LARGEST_SIZE);
  if (args.has(1)) patch.height = args.integer(1, 'the height', 0, LARGEST_SIZE);
  if (args.has(2)) patch.enlarge = args.flag(2, 'enlarge');
  if (args.has(3)) readExtend(args.from(3), patch);
  else if (args.count > 4) throw args.wrong(3, 'extend', '1 or 0 where a gravity follows');
}

function readExtend(args: Arguments, patch: Patch): void {
  const enabled = args.flag(0, 'extend');
  const gravity = args.count > 1 ? readGravity(args.from(1), false) : CENTER;
  patch.extend = enabled ? gravity : null;
}

function readCrop(args: Arguments, patch: Patch): void {
  patch.crop = {
    width: args.decimal(0, 'the width', 0, LARGEST_SIZE),
    height: args.has(1) ? args.decimal(1, 'the height', 0, LARGEST_SIZE) : 0,
    gravity: args.count > 2 ? readGravity(args.from(2), true) : null,
  };
}

function readTrim(args: Arguments, patch: Patch): void {
  const threshold = args.has(0) ? args.decimal(0, 'the threshold', 0, LARGEST_SIGMA) : null;
  const color = args.has(1) ? readHexColor(args, 1) : null;
  const equalHorizontal = args.has(2) && args.flag(2, 'equal_hor');
  const equalVertical = args.has(3) && args.flag(3, 'equal_ver');
  patch.trim = threshold === null ? null : { threshold, color, equalHorizontal, equalVertical };
}

/** As in CSS: right is like top, bottom like top, left like right. */
function readPadding(args: Arguments, patch: Patch): void {
  const top = args.has(0) ? args.integer(0, 'the padding', 0, LARGEST_SIZE) : 0;
  const right = args.has(1) ? args.integer(1, 'the padding', 0, LARGEST_SIZE) : top;
  const bottom = args.has(2) ? args.integer(2, 'the padding', 0, LARGEST_SIZE) : top;
  const left = args.has(3) ? args.integer(3, 'the padding', 0, LARGEST_SIZE) : right;
  patch.padding = { top, right, bottom, left };
}

const QUARTERS = [0, 90, 180, 270] as const;

function readRotate(args: Arguments, patch: Patch): void {
  const degrees = args.integer(0, 'the angle', -LARGEST_SIZE, LARGEST_SIZE);
  const quarter = QUARTERS[(((degrees / 90) % 4) + 4) % 4];
  if (quarter === undefined) throw args.wrong(0, 'the angle', 'a multiple of 90');
  patch.rotate = quarter;
}

function readBackground(args: Arguments, patch: Patch): void {
  if (args.count === 0) patch.background = null;
  else if (args.count === 1) patch.background = readHexColor(args, 0);
  else {
    patch.background = [
      args.integer(0, 'red', 0, 255),
      args.integer(1, 'green', 0, 255),
      args.integer(2, 'blue', 0, 255),
    ];
  }
}

const HEX_COLOR = /^(?:[0-9a-f]{3}|[0-9a-f]{6})$/i;

function readHexColor(args: Arguments, index: number): Rgb {
  const text = args.text(index);
  if (!HEX_COLOR.test(text)) throw args.wrong(index, 'the colour', 'three or six hexadecimal digits');
  const number = Number.parseInt(text, 16);
  if (text.length === 3) return [(number >> 8) * 17, ((number >> 4) & 15) * 17, (number & 15) * 17];
  return [number >> 16, (number >> 8) & 255, number & 255];
}

function readFilename(args: Arguments, patch: Patch): void {
  const encoded = args.has(1) && args.flag(1, 'what tells whether the name is base64');
  const text = args.text(0);
  const name = encoded ? decodeBase64Url(text) : decodePercent(text);
  if (name === undefined) {
    throw args.wrong(0, 'the name', encoded ? 'URL-safe base64 of UTF-8' : 'percent-escaped UTF-8');
  }
  if (hasControlCharacter(name)) throw args.wrong(0, 'the name', 'free of control characters');
  patch.filename = name === '' ? undefined : name;
}

/** Everything that can be asked for, in the order of the README. */
export const PROCESSING_OPTIONS: readonly ProcessingOption[] = [
  {
    names: ['resize', 'rs'],
    arguments: 'type:width:height:enlarge:extend',
    most: 8,
    default: '',
    description: 'Shorthand for `resizing_type` and `size`; an empty argument leaves its option alone.',
    read: (args, patch) => {
      if (args.has(0)) readResizeType(args, patch);
      readSize(args.from(1), patch);
    },
  },
  {
    names: ['size', 's'],
    arguments: 'width:height:enlarge:extend',
    most: 7,
    default: '',
    description: 'Shorthand for `width`, `height`, `enlarge` and `extend`, the last with its gravity.',
    read: readSize,
  },
  {
    names: ['resizing_type', 'rt'],
    arguments: 'type',
    most: 1,
    default: 'fit',
    description: '`fit`, `fill`, `fill-down`, `force` or `auto`.',
    read: readResizeType,
  },
  {
    names: ['width', 'w'],
    arguments: 'pixels',
    most: 1,
    default: '0',
    description: 'Width of the result; 0 follows from the height and the ratio.',
    read: (args, patch) => {
      patch.width = args.integer(0, 'the width', 0, LARGEST_SIZE);
    },
  },
  {
    names: ['height', 'h'],
    arguments: 'pixels',
    most: 1,
    default: '0',
    description: 'Height of the result; 0 follows from the width and the ratio.',
    read: (args, patch) => {
      patch.height = args.integer(0, 'the height', 0, LARGEST_SIZE);
    },
  },
  {
    names: ['min-width', 'mw'],
    arguments: 'pixels',
    most: 1,
    default: '0',
    description: 'Least width of the result.',
    read: (args, patch) => {
      patch.minWidth = args.integer(0, 'the width', 0, LARGEST_SIZE);
    },
  },
  {
    names: ['min-height', 'mh'],
    arguments: 'pixels',
    most: 1,
    default: '0',
    description: 'Least height of the result.',
    read: (args, patch) => {
      patch.minHeight = args.integer(0, 'the height', 0, LARGEST_SIZE);
    },
  },
  {
    names: ['zoom', 'z'],
    arguments: 'x:y',
    most: 2,
    default: '1',
    description: 'Factor for width and height; a single one is for both.',
    read: (args, patch) => {
      const x = args.positive(0, 'the factor', LARGEST_FACTOR);
      patch.zoom = { x, y: args.has(1) ? args.positive(1, 'the factor', LARGEST_FACTOR) : x };
    },
  },
  {
    names: ['dpr'],
    arguments: 'factor',
    most: 1,
    default: '1',
    description: 'Pixels of the device for each CSS pixel; multiplies sizes, offsets and padding.',
    read: (args, patch) => {
      patch.dpr = args.positive(0, 'the factor', LARGEST_FACTOR);
    },
  },
  {
    names: ['enlarge', 'el'],
    arguments: 'flag',
    most: 1,
    default: '0',
    description: 'Scale up a source that is smaller than asked for.',
    read: (args, patch) => {
      patch.enlarge = args.flag(0, 'it');
    },
  },
  {
    names: ['extend', 'ex'],
    arguments: 'flag:gravity',
    most: 4,
    default: '0:ce:0:0',
    description: 'Place a smaller result on a canvas of the size asked for; the gravity cannot be `sm`.',
    read: readExtend,
  },
  {
    names: ['gravity', 'g'],
    arguments: 'type:x:y',
    most: 3,
    default: 'ce:0:0',
    description: '`ce`, `no`, `so`, `ea`, `we`, `noea`, `nowe`, `soea`, `sowe` with offsets, `fp:x:y`, or `sm`.',
    read: (args, patch) => {
      patch.gravity = readGravity(args, true);
    },
  },
  {
    names: ['crop', 'c'],
    arguments: 'width:height:gravity',
    most: 5,
    default: '0:0',
    description: 'Cut this much out before resizing: pixels from 1 on, below 1 a part of the side, 0 all of it.',
    read: readCrop,
  },
  {
    names: ['trim', 't'],
    arguments: 'threshold:colour:equal_hor:equal_ver',
    most: 4,
    default: '',
    description: 'Cut off a uniform border; without a threshold nothing is trimmed.',
    read: readTrim,
  },
  {
    names: ['padding', 'pd'],
    arguments: 'top:right:bottom:left',
    most: 4,
    default: '0',
    description: 'Space around the result, as in CSS.',
    read: readPadding,
  },
  {
    names: ['auto_rotate', 'ar'],
    arguments: 'flag',
    most: 1,
    default: '1',
    description: 'Turn the picture upright as its EXIF data says.',
    read: (args, patch) => {
      patch.autoRotate = args.flag(0, 'it');
    },
  },
  {
    names: ['rotate', 'rot'],
    arguments: 'degrees',
    most: 1,
    default: '0',
    description: 'Turn clockwise by a multiple of 90.',
    read: readRotate,
  },
  {
    names: ['flip', 'fl'],
    arguments: 'horizontal:vertical',
    most: 2,
    default: '0:0',
    description: 'Mirror left and right, top and bottom.',
    read: (args, patch) => {
      const horizontal = args.has(0) && args.flag(0, 'horizontal');
      patch.flip = { horizontal, vertical: args.has(1) && args.flag(1, 'vertical') };
    },
  },
  {
    names: ['background', 'bg'],
    arguments: 'red:green:blue or hex',
    most: 3,
    default: '',
    description: 'Fill what is transparent; empty for none.',
    read: readBackground,
  },
  {
    names: ['blur', 'bl'],
    arguments: 'sigma',
    most: 1,
    default: '0',
    description: 'Gaussian blur.',
    read: (args, patch) => {
      patch.blur = args.decimal(0, 'sigma', 0, LARGEST_SIGMA);
    },
  },
  {
    names: ['sharpen', 'sh'],
    arguments: 'sigma',
    most: 1,
    default: '0',
    description: 'Sharpen.',
    read: (args, patch) => {
      patch.sharpen = args.decimal(0, 'sigma', 0, LARGEST_SIGMA);
    },
  },
  {
    names: ['strip_metadata', 'sm'],
    arguments: 'flag',
    most: 1,
    default: '1',
    description: 'Leave out EXIF, IPTC and XMP data.',
    read: (args, patch) => {
      patch.stripMetadata = args.flag(0, 'it');
    },
  },
  {
    names: ['quality', 'q'],
    arguments: 'number',
    most: 1,
    default: '0',
    description: '1 to 100; 0 is the usual one of the format.',
    read: (args, patch) => {
      patch.quality = args.integer(0, 'the quality', 0, 100);
    },
  },
  {
    names: ['format', 'f', 'ext'],
    arguments: 'extension',
    most: 1,
    default: '',
    description: 'Format of the result; an extension after the source (`@webp`, `.webp`) takes precedence.',
    read: (args, patch) => {
      patch.format = readFormat(args.text(0));
    },
  },
  {
    names: ['raw'],
    arguments: 'flag',
    most: 1,
    default: '0',
    description: 'The source as it is; every other operation and the extension are ignored.',
    read: (args, patch) => {
      patch.raw = args.flag(0, 'it');
    },
  },
  {
    names: ['cachebuster', 'cb'],
    arguments: 'text',
    most: 1,
    default: '',
    description: 'Any text; another text is another cache entry.',
    read: (args, patch) => {
      patch.cachebuster = args.text(0);
    },
  },
  {
    names: ['expires', 'exp'],
    arguments: 'unix time',
    most: 1,
    default: '0',
    description: 'Seconds since 1970 after which the URL answers 404; 0 for never.',
    read: (args, patch) => {
      const seconds = args.integer(0, 'the time', 0, LATEST_EXPIRY);
      patch.expiresAt = seconds === 0 ? undefined : seconds * 1000;
    },
  },
  {
    names: ['filename', 'fn'],
    arguments: 'name:base64',
    most: 2,
    default: '',
    description: 'Name for `Content-Disposition`, percent-escaped, or URL-safe base64 if the flag says so.',
    read: readFilename,
  },
  {
    names: ['return_attachment', 'att'],
    arguments: 'flag',
    most: 1,
    default: '0',
    description: 'Have browsers download instead of show.',
    read: (args, patch) => {
      patch.attachment = args.flag(0, 'it');
    },
  },
];

/** The option called `name`, long or short, looked up in one table. */
export const OPTIONS_BY_NAME: ReadonlyMap<string, ProcessingOption> = new Map(
  PROCESSING_OPTIONS.flatMap((option) => option.names.map((name) => [name, option] as const)),
);

/** The one option that isn't in the table, because only the whole of the presets can read it. */
export const PRESET_NAMES: ReadonlySet<string> = new Set(['preset', 'pr']);
