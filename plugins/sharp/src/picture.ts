import sharp, { type Sharp } from 'sharp';
import type { Size } from './geometry.ts';
import { HARD_TIMEOUT_SECONDS } from './libvips.ts';

/**
 * Decoded pixels between two passes: 8-bit channels in rows, frames one below the other; or, if
 * metadata shall survive, one frame in an uncompressed PNG.
 */
export interface Picture extends Size {
  readonly data: Buffer;
  readonly frames: number;
  /** `undefined` in a PNG. */
  readonly channels: 1 | 2 | 3 | 4 | undefined;
}

/** Runs what is planned on `image` and keeps the pixels. */
export async function render(image: Sharp, keepMetadata: boolean): Promise<Picture> {
  const output = keepMetadata ? image.keepMetadata().png({ compressionLevel: 0 }) : image.raw();
  const { data, info } = await output.timeout({ seconds: HARD_TIMEOUT_SECONDS }).toBuffer({ resolveWithObject: true });
  const height = info.pageHeight ?? info.height;
  return {
    data,
    width: info.width,
    height,
    frames: Math.round(info.height / height),
    channels: keepMetadata ? undefined : channelCount(info.channels),
  };
}

function channelCount(count: number): 1 | 2 | 3 | 4 {
  return count === 1 || count === 2 || count === 3 ? count : 4;
}

/** The picture as the beginning of another pass. */
export function reopen(picture: Picture): Sharp {
  const { data, width, height, frames, channels } = picture;
  const limitInputPixels = false;
  if (channels === undefined) return sharp(data, { limitInputPixels });
  const raw = { width, height: height * frames, channels, ...(frames > 1 && { pageHeight: height }) };
  return sharp(data, { raw, limitInputPixels, ...(frames > 1 && { pages: -1 }) });
}

/** One frame by its number from 0; shares memory with the whole. */
export function frameOf(picture: Picture, number: number): Picture {
  const { data, width, height, channels, frames } = picture;
  if (channels === undefined || frames === 1) return picture;
  const bytes = width * height * channels;
  return { data: data.subarray(number * bytes, (number + 1) * bytes), width, height, channels, frames: 1 };
}

/**
 * Does the same to every frame on its own. libvips takes an animation for one tall picture: turning
 * or mirroring it upside down would reverse the order of frames, and a blur would let the edge of
 * one run into the next.
 */
export async function eachFrame(picture: Picture, change: (frame: Sharp) => Sharp): Promise<Picture> {
  const changed: Picture[] = [];
  for (let number = 0; number < picture.frames; number += 1) {
    changed.push(await render(change(reopen(frameOf(picture, number))), picture.channels === undefined));
  }
  const [first] = changed;
  if (first === undefined) return picture;
  if (changed.length === 1) return first;
  return { ...first, data: Buffer.concat(changed.map((frame) => frame.data)), frames: changed.length };
}
