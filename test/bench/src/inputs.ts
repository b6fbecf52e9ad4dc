import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';

const PHOTOS = fileURLToPath(new URL('../../../examples/demo/images/', import.meta.url));

/** Names of the sources that are distinct pictures of 3 megapixels. */
export const DISTINCT_SOURCES = 64;

/** Pictures made of the photographs in `examples/demo/images`. */
export interface Inputs {
  /** The folder of the `local` origin. */
  readonly root: string;
  /** Below `root`: as many as `DISTINCT_SOURCES`, each another cut of the same photographs, JPEG of 3 megapixels. */
  readonly distinct: readonly string[];
  /** Below `root`: one JPEG of 12 megapixels. */
  readonly large: string;
  /** Below `root`: small pictures as they are, of several formats. */
  readonly small: readonly string[];
}

/** Makes all inputs in `root`. */
export async function makeInputs(root: string): Promise<Inputs> {
  const large = await mosaic(4_288, 2_848);
  await writeFile(join(root, '12mp.jpg'), await large.clone().jpeg({ quality: 88 }).toBuffer());
  const pixels = await large.raw().toBuffer({ resolveWithObject: true });
  const raw = { width: pixels.info.width, height: pixels.info.height, channels: 3 as const };
  const distinct: string[] = [];
  for (let number = 0; number < DISTINCT_SOURCES; number++) {
    const name = `3mp-${number}.jpg`;
    const cut = { left: 17 * number, top: 11 * number, width: 2_048, height: 1_536 };
    await sharp(pixels.data, { raw }).extract(cut).jpeg({ quality: 88 }).toFile(join(root, name));
    distinct.push(name);
  }
  const small = ['astronaut.png', 'chelsea.png', 'coffee.png', 'hubble_deep_field.jpg', 'rocket.jpg'];
  for (const name of small) await sharp(join(PHOTOS, name)).toFile(join(root, name));
  return { root, distinct, large: '12mp.jpg', small };
}

/** So many names for one picture of 3 megapixels, in folders of a hundred. @returns names below `root` */
export async function manyNames({ root, distinct: [file = ''] }: Inputs, count: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let number = 0; number < count; number++) {
    const folder = `many/${Math.floor(number / 100)}`;
    if (number % 100 === 0) await mkdir(join(root, folder), { recursive: true });
    const name = `${folder}/${number}.jpg`;
    await link(join(root, file), join(root, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    names.push(name);
  }
  return names;
}

/** The photographs side by side, enlarged: with details everywhere, as a photograph has them. */
async function mosaic(width: number, height: number): Promise<Sharp> {
  const names = ['astronaut.png', 'coffee.png', 'hubble_deep_field.jpg', 'chelsea.png', 'rocket.jpg', 'astronaut.png'];
  const tile = { width: Math.ceil(width / 3), height: Math.ceil(height / 2) };
  const tiles = await Promise.all(
    names.map(async (name, index) => ({
      input: await sharp(join(PHOTOS, name)).resize(tile.width, tile.height, { fit: 'cover' }).png().toBuffer(),
      left: (index % 3) * tile.width,
      top: Math.floor(index / 3) * tile.height,
    })),
  );
  const canvas = { width: tile.width * 3, height: tile.height * 2, channels: 3 as const, background: '#000' };
  const joined = await sharp({ create: canvas })
    .composite(tiles)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: joined.info.width, height: joined.info.height, channels: 3 as const };
  return sharp(joined.data, { raw }).extract({ left: 0, top: 0, width, height });
}
