import { type ImageFormat, TransformError } from '@tintype/core';

/*
 * Frames are counted here, by walking over blocks without decoding any, before libvips may see the
 * file: it reads the whole list of frames for any question, which takes 3 seconds and 400 MB for a
 * GIF of two million empty frames, and 40 seconds for a WebP of 100,000 (libwebp looks each up from
 * the beginning).
 */

/** What the walk has found. */
export interface Motion {
  /** 1 for pictures that stand still; at most one more than was asked for. */
  readonly frames: number;
  /** Where the first frame ends. */
  readonly firstEnd: number;
}

const STILL: Motion = { frames: 1, firstEnd: 0 };

/** Counts frames up to `limit` + 1. Damaged files are counted up to the damage. */
export function countFrames(input: Uint8Array, format: ImageFormat, limit: number): Motion {
  if (format === 'gif') return countGif(input, limit);
  if (format === 'webp') return countWebp(input, limit);
  return STILL;
}

/** @throws TransformError `too-many-frames` */
export function requireFramesWithin(frames: number, limit: number): void {
  if (frames > limit) {
    throw new TransformError('too-many-frames', `The source has more than the ${limit} frames that are allowed.`);
  }
}

/** A file with the first frame only, for results that stand still; metadata behind the frames is lost. */
export function firstFrame(input: Uint8Array, format: ImageFormat, motion: Motion): Uint8Array {
  if (motion.frames < 2) return input;
  if (format === 'gif') {
    const cut = new Uint8Array(motion.firstEnd + 1);
    cut.set(input.subarray(0, motion.firstEnd));
    cut[motion.firstEnd] = TRAILER;
    return cut;
  }
  const cut = input.slice(0, motion.firstEnd);
  // RIFF: the size of all that follows it.
  view(cut).setUint32(4, cut.length - 8, true);
  return cut;
}

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/** GIF89a specification, appendix B. */
function countGif(input: Uint8Array, limit: number): Motion {
  let frames = 0;
  let firstEnd = input.length;
  let at = 13 + colourTableBytes(input[10] ?? 0);
  while (at < input.length && frames <= limit) {
    const block = input[at];
    if (block === EXTENSION) {
      at = afterSubBlocks(input, at + 2);
    } else if (block === IMAGE) {
      frames += 1;
      at = afterSubBlocks(input, at + 11 + colourTableBytes(input[at + 9] ?? 0));
      if (frames === 1) firstEnd = at;
    } else {
      break;
    }
  }
  return { frames: Math.max(1, frames), firstEnd: Math.min(firstEnd, input.length) };
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function afterSubBlocks(input: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const size = input[at] ?? 0;
    at += size + 1;
    if (size === 0) return at;
  }
}

/** RFC 9649 §2.7: chunks of a name, a size and an even number of bytes. */
function countWebp(input: Uint8Array, limit: number): Motion {
  const bytes = view(input);
  let frames = 0;
  let firstEnd = input.length;
  let at = 12;
  while (at + 8 <= input.length && frames <= limit) {
    const isFrame = bytes.getUint32(at) === ANMF;
    const size = bytes.getUint32(at + 4, true);
    at += 8 + size + (size % 2);
    if (isFrame) {
      frames += 1;
      if (frames === 1) firstEnd = at;
    }
  }
  return { frames: Math.max(1, frames), firstEnd: Math.min(firstEnd, input.length) };
}

/** `ANMF` as a big-endian number. */
const ANMF = 0x414e4d46;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
