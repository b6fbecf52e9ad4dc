import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { exactSide } from './uniform.ts';

it('scales by the side whose size was asked for', () => {
  expect(exactSide({ width: 2048, height: 1536 }, { width: 683, height: 512 }, 3)).toBe('height');
  expect(exactSide({ width: 1000, height: 872 }, { width: 300, height: 262 }, 1000 / 300)).toBe('width');
});

it('is not certain close to a half, or when sides differ', () => {
  expect(exactSide({ width: 200, height: 101 }, { width: 100, height: 51 }, 2)).toBeUndefined();
  expect(exactSide({ width: 200, height: 100 }, { width: 100, height: 100 }, 2)).toBeUndefined();
});

it('comes out as planned in libvips for any size that it is certain of', async () => {
  const photograph = await readFile(new URL('../../../examples/demo/images/rocket.jpg', import.meta.url));
  let seed = 7;
  const random = (max: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return 1 + (seed % max);
  };
  let certain = 0;
  for (let round = 0; round < 25; round += 1) {
    const from = { width: 100 + random(500), height: 100 + random(500) };
    const source = sharp(photograph).resize(from.width, from.height, { fit: 'fill' });
    const [jpeg, png] = await Promise.all([
      source.jpeg().toBuffer(),
      source.clone().png({ compressionLevel: 1 }).toBuffer(),
    ]);
    for (let size = 0; size < 8; size += 1) {
      const width = random(from.width);
      const shrink = from.width / width;
      const to = { width, height: Math.max(1, Math.round(from.height / shrink)) };
      const side = exactSide(from, to, shrink);
      if (side === undefined) continue;
      certain += 1;
      for (const input of [jpeg, png]) {
        const { info } = await sharp(input)
          .resize({ [side]: to[side] })
          .raw()
          .toBuffer({ resolveWithObject: true });
        expect({ width: info.width, height: info.height }, JSON.stringify({ from, to, side })).toEqual(to);
      }
    }
  }
  expect(certain).toBeGreaterThan(100);
});
