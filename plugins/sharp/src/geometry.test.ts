import { type Gravity, NO_OPERATIONS, type Operations, type ResizeType } from '@tintype/core';
import { describe, expect, it } from 'vitest';
import { cropSide, position, resultSizes, roundToEven, type Sizes } from './geometry.ts';

interface Asked extends Partial<Omit<Operations, 'resize'>> {
  readonly enlarge?: boolean;
  readonly extend?: Gravity;
}

function sizes(
  [width, height]: readonly [number, number],
  type: ResizeType,
  [toWidth, toHeight]: readonly [number, number],
  { enlarge = false, extend, ...rest }: Asked = {},
  isVector = false,
): Sizes {
  const resize = { type, width: toWidth, height: toHeight, enlarge, extend: extend ?? null };
  return resultSizes({ width, height }, { ...NO_OPERATIONS, ...rest, resize }, isVector);
}

const result = (...args: Parameters<typeof sizes>): [number, number] => {
  const { width, height } = sizes(...args).result;
  return [width, height];
};

const CENTER: Gravity = { type: 'compass', at: 'center', x: 0, y: 0 };

describe('the size of the result', () => {
  it.each<[readonly [number, number], ResizeType, readonly [number, number], boolean, [number, number]]>([
    // shrinking
    [[1000, 500], 'fit', [300, 300], false, [300, 150]],
    [[1000, 500], 'fill', [300, 300], false, [300, 300]],
    [[1000, 500], 'fill-down', [300, 300], false, [300, 300]],
    [[1000, 500], 'force', [300, 300], false, [300, 300]],
    [[1000, 500], 'auto', [300, 200], false, [300, 200]],
    [[1000, 500], 'auto', [200, 300], false, [200, 100]],
    [[500, 1000], 'auto', [200, 300], false, [200, 300]],
    [[1000, 500], 'auto', [300, 300], false, [300, 300]],
    // one side is enough
    [[1000, 500], 'fit', [300, 0], false, [300, 150]],
    [[1000, 500], 'fill', [0, 100], false, [200, 100]],
    [[1000, 500], 'force', [300, 0], false, [300, 500]],
    [[1000, 500], 'fit', [0, 0], false, [1000, 500]],
    // too small, not enlarged
    [[100, 50], 'fit', [300, 300], false, [100, 50]],
    [[100, 50], 'fill', [300, 300], false, [100, 50]],
    [[100, 50], 'fill-down', [300, 300], false, [50, 50]],
    [[100, 50], 'fill-down', [400, 300], false, [67, 50]],
    [[100, 50], 'force', [300, 300], false, [50, 50]],
    [[100, 50], 'fill', [60, 300], false, [60, 50]],
    [[100, 50], 'fill-down', [60, 300], false, [10, 50]],
    // too small, enlarged
    [[100, 50], 'fit', [300, 300], true, [300, 150]],
    [[100, 50], 'fill', [300, 300], true, [300, 300]],
    [[100, 50], 'fill-down', [300, 300], true, [300, 300]],
    [[100, 50], 'force', [300, 300], true, [300, 300]],
    [[100, 50], 'fit', [0, 100], true, [200, 100]],
  ])('%j %s to %j, enlarge %s, is %j', (source, type, box, enlarge, expected) => {
    expect(result(source, type, box, { enlarge })).toEqual(expected);
  });

  it('counts in CSS pixels times dpr, as far as the picture has pixels', () => {
    expect(result([1000, 500], 'fit', [300, 300], { dpr: 2 })).toEqual([600, 300]);
    expect(result([1000, 500], 'fit', [300, 300], { dpr: 10 })).toEqual([1000, 500]);
    expect(result([1000, 500], 'fit', [300, 300], { dpr: 0.5 })).toEqual([150, 75]);
    expect(result([100, 50], 'fill', [300, 300], { dpr: 2, enlarge: true })).toEqual([600, 600]);
  });

  it('scales padding by the dpr that was reached, not the one asked for', () => {
    const padding = { top: 10, right: 0, bottom: 0, left: 20 };
    expect(result([1000, 500], 'fit', [300, 300], { dpr: 2, padding })).toEqual([640, 320]);
    expect(result([1000, 500], 'fit', [500, 500], { dpr: 4, padding })).toEqual([1040, 520]);
  });

  it('multiplies by zoom on each side', () => {
    expect(result([1000, 500], 'fit', [300, 300], { zoom: { x: 2, y: 2 } })).toEqual([600, 300]);
    expect(result([1000, 500], 'force', [300, 300], { zoom: { x: 2, y: 1 } })).toEqual([600, 300]);
    expect(result([1000, 500], 'fit', [0, 0], { zoom: { x: 0.5, y: 0.5 } })).toEqual([500, 250]);
  });

  it('covers the minimum sides and cuts off what is beyond the box', () => {
    expect(result([1000, 500], 'fit', [300, 300], { minHeight: 200 })).toEqual([300, 200]);
    expect(sizes([1000, 500], 'fit', [300, 300], { minHeight: 200 }).scaled).toEqual({ width: 400, height: 200 });
    expect(result([1000, 500], 'fit', [0, 100], { minWidth: 400 })).toEqual([400, 100]);
    expect(result([100, 50], 'fit', [0, 0], { minWidth: 200 })).toEqual([200, 100]);
  });

  it('extends to the box in the sides that are asked for', () => {
    expect(result([100, 50], 'fit', [300, 300], { extend: CENTER })).toEqual([300, 300]);
    expect(result([1000, 500], 'fit', [300, 300], { extend: CENTER })).toEqual([300, 300]);
    expect(result([100, 50], 'fit', [300, 0], { extend: CENTER })).toEqual([300, 50]);
  });

  it('keeps the composition of an extended picture at a dpr that it cannot serve', () => {
    const { canvas, kept, dpr } = sizes([100, 50], 'fit', [300, 300], { extend: CENTER, dpr: 0.5 });
    expect({ canvas, kept, dpr }).toEqual({
      canvas: { width: 150, height: 150 },
      kept: { width: 50, height: 25 },
      dpr: 0.5,
    });
  });

  it('enlarges drawings without being asked', () => {
    expect(result([10, 5], 'fit', [300, 300], {}, true)).toEqual([300, 150]);
  });

  it('never lets a side vanish', () => {
    expect(result([10_000, 3], 'fit', [10, 10])).toEqual([10, 1]);
    expect(result([3, 10_000], 'fit', [10, 10])).toEqual([1, 10]);
  });

  it('stays within box and picture for any numbers', () => {
    let seed = 1;
    const random = (max: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return 1 + (seed % max);
    };
    const types: readonly ResizeType[] = ['fit', 'fill', 'fill-down', 'force', 'auto'];
    for (let round = 0; round < 5000; round += 1) {
      const source = [random(3000), random(3000)] as const;
      const box = [random(3000), random(3000)] as const;
      const type = types[random(types.length) - 1] ?? 'fit';
      const dpr = random(4) / 2;
      const { scaled, kept, result: made } = sizes(source, type, box, { dpr });
      const said = JSON.stringify({ source, box, type, dpr, scaled, kept });
      expect(scaled.width, said).toBeLessThanOrEqual(source[0]);
      expect(scaled.height, said).toBeLessThanOrEqual(source[1]);
      expect(kept.width, said).toBeLessThanOrEqual(scaled.width);
      expect(kept.height, said).toBeLessThanOrEqual(scaled.height);
      expect(Math.min(made.width, made.height), said).toBeGreaterThanOrEqual(1);
      if (type === 'fit' && Math.min(scaled.width, scaled.height) > 50) {
        // The ratio survives, to the pixel.
        expect(Math.abs(scaled.height - (scaled.width * source[1]) / source[0]), said).toBeLessThanOrEqual(
          0.51 + (0.5 * source[1]) / source[0],
        );
      }
    }
  });
});

describe('the place of a part', () => {
  const outer = { width: 100, height: 80 };
  const inner = { width: 20, height: 10 };
  const compass = (at: Extract<Gravity, { type: 'compass' }>['at'], x = 0, y = 0): Gravity => ({
    type: 'compass',
    at,
    x,
    y,
  });

  it.each<[Gravity, number, number]>([
    [compass('north-west'), 0, 0],
    [compass('north'), 40, 0],
    [compass('north-east'), 80, 0],
    [compass('west'), 0, 36],
    [compass('center'), 40, 36],
    [compass('east'), 80, 36],
    [compass('south-west'), 0, 70],
    [compass('south'), 40, 70],
    [compass('south-east'), 80, 70],
    // offsets lead inward; below 1 they are a part of the whole
    [compass('south-east', 5, 7), 75, 63],
    [compass('north-west', 0.1, 0.5), 10, 40],
    [compass('center', -10, 10), 30, 46],
    // never outside
    [compass('north-west', -5, 1000), 0, 70],
    [{ type: 'focus', x: 0.5, y: 0.5 }, 40, 35],
    [{ type: 'focus', x: 0, y: 1 }, 0, 70],
    [{ type: 'focus', x: 0.25, y: 0.75 }, 15, 55],
  ])('by %j is %i, %i', (gravity, left, top) => {
    expect(position(outer, inner, gravity, 1)).toEqual({ left, top });
  });

  it('scales offsets in pixels by dpr, and no others', () => {
    expect(position(outer, inner, compass('north-west', 5, 0.1), 2)).toEqual({ left: 10, top: 8 });
  });
});

it('takes crop sides as pixels from 1 on and as parts below', () => {
  expect([cropSide(200, 0), cropSide(200, 0.25), cropSide(200, 50), cropSide(200, 500), cropSide(10, 0.01)]).toEqual([
    200, 50, 50, 200, 1,
  ]);
});

it('rounds halves to the even neighbour', () => {
  expect([0.5, 1.5, 2.5, -0.5, 1.4, 1.6].map(roundToEven).map(Math.abs)).toEqual([0, 2, 2, 0, 1, 2]);
});
