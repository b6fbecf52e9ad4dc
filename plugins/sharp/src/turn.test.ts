import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { expect, it } from 'vitest';
import { compose, orientationTurn, type Turn, UNTURNED, unturnRectangle, wholeTurn } from './turn.ts';

const ALL: readonly Turn[] = [false, true].flatMap((mirror) =>
  ([0, 90, 180, 270] as const).map((angle) => ({ mirror, angle })),
);

/** 4 × 3 pixels, each of another grey. */
const PIXELS = { width: 4, height: 3, channels: 1 } as const;
const picture = () =>
  sharp(
    Uint8Array.from({ length: 12 }, (_, at) => at * 20),
    { raw: PIXELS },
  ).toColourspace('b-w');

async function pixelsOf(turn: Turn, from = picture()): Promise<{ rows: string; width: number; height: number }> {
  // A resize to the same size, so that sharp turns afterwards.
  const image = from.resize(4, 3, { fit: 'fill' });
  if (turn.mirror) image.flop();
  const { data, info } = await image.rotate(turn.angle).raw().toBuffer({ resolveWithObject: true });
  return { rows: data.toString('hex'), width: info.width, height: info.height };
}

async function twice(a: Turn, b: Turn): Promise<string> {
  let image = picture();
  for (const turn of [a, b]) {
    if (turn.mirror) image = sharp(...(await raw(image.flop())));
    image = sharp(...(await raw(image.rotate(turn.angle))));
  }
  return (await image.toColourspace('b-w').raw().toBuffer()).toString('hex');
}

async function raw(image: Sharp): Promise<[Buffer, SharpOptions]> {
  const { data, info } = await image.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return [data, { raw: { width: info.width, height: info.height, channels: 1 } }];
}

it('composes any two turns to the one that has the same effect', async () => {
  for (const a of ALL) {
    for (const b of ALL) {
      expect((await pixelsOf(compose(a, b))).rows, JSON.stringify([a, b])).toBe(await twice(a, b));
    }
  }
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])('brings EXIF orientation %i upright as sharp does', async (orientation) => {
  const stored = await picture().png().withMetadata({ orientation }).toBuffer();
  const upright = await sharp(stored).autoOrient().toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  const ours = await pixelsOf(orientationTurn(orientation));
  expect(ours.rows).toBe(upright.data.toString('hex'));
  expect([ours.width, ours.height]).toEqual([upright.info.width, upright.info.height]);
});

it('leaves a picture whose orientation is missing or unknown', () => {
  expect(orientationTurn(undefined)).toEqual(UNTURNED);
  expect(orientationTurn(9)).toEqual(UNTURNED);
  expect(orientationTurn(0)).toEqual(UNTURNED);
});

it('rotates before it flips', () => {
  const flip = { horizontal: true, vertical: false };
  expect(wholeTurn(1, { autoRotate: true, rotate: 90, flip })).toEqual({ mirror: true, angle: 270 });
  expect(wholeTurn(6, { autoRotate: false, rotate: 0, flip: { horizontal: true, vertical: true } })).toEqual({
    mirror: false,
    angle: 180,
  });
});

it('finds a rectangle of the turned picture in the stored one', async () => {
  const wanted = { left: 1, top: 0, width: 2, height: 3 };
  for (const turn of ALL) {
    const after = await picture()
      .resize(4, 3, { fit: 'fill' })
      .flop(turn.mirror)
      .rotate(turn.angle)
      .extract(wanted)
      .raw()
      .toBuffer();
    const stored = unturnRectangle(wanted, { width: 4, height: 3 }, turn);
    const before = await picture()
      .extract(stored)
      .resize(stored.width, stored.height, { fit: 'fill' })
      .flop(turn.mirror)
      .rotate(turn.angle)
      .raw()
      .toBuffer();
    expect(before.toString('hex'), JSON.stringify(turn)).toBe(after.toString('hex'));
  }
});
