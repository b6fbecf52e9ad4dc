import type { Operations } from '@tintype/core';
import type { Rectangle, Size } from './geometry.ts';

/**
 * One of the eight ways in which a picture can lie: mirrored left to right or not, and then turned
 * clockwise. EXIF orientation, rotation and flips all compose to one of these, so that pixels are
 * moved once, after scaling.
 */
export interface Turn {
  /** Left and right change places before the rotation. */
  readonly mirror: boolean;
  /** Clockwise degrees. */
  readonly angle: 0 | 90 | 180 | 270;
}

export const UNTURNED: Turn = { mirror: false, angle: 0 };

/** EXIF 2.32 §4.6.4, tag 0x0112: what brings a picture stored with orientation 1 to 8 upright. */
const BY_ORIENTATION: readonly Turn[] = [
  { mirror: false, angle: 0 },
  { mirror: true, angle: 0 },
  { mirror: false, angle: 180 },
  { mirror: true, angle: 180 },
  { mirror: true, angle: 270 },
  { mirror: false, angle: 90 },
  { mirror: true, angle: 90 },
  { mirror: false, angle: 270 },
];

const ANGLES = [0, 90, 180, 270] as const;

function quarterTurns(count: number): Turn['angle'] {
  return ANGLES[((count % 4) + 4) % 4] ?? 0;
}

/** First `a`, then `b`. */
export function compose(a: Turn, b: Turn): Turn {
  const before = a.angle / 90;
  // Mirroring after a rotation is the opposite rotation after the mirroring.
  const turns = b.angle / 90 + (b.mirror ? -before : before);
  return { mirror: a.mirror !== b.mirror, angle: quarterTurns(turns) };
}

/** Brings a picture upright; `undefined` and values that EXIF does not know leave it. */
export function orientationTurn(orientation: number | undefined): Turn {
  return BY_ORIENTATION[(orientation ?? 1) - 1] ?? UNTURNED;
}

/** Everything that turns the picture: orientation if asked for, rotation, then flips. */
export function wholeTurn(
  orientation: number | undefined,
  operations: Pick<Operations, 'autoRotate' | 'rotate' | 'flip'>,
): Turn {
  let turn = operations.autoRotate ? orientationTurn(orientation) : UNTURNED;
  turn = compose(turn, { mirror: false, angle: operations.rotate });
  if (operations.flip.horizontal) turn = compose(turn, { mirror: true, angle: 0 });
  if (operations.flip.vertical) turn = compose(turn, { mirror: true, angle: 180 });
  return turn;
}

/** Whether width and height change places. */
export function swapsSides(turn: Turn): boolean {
  return turn.angle === 90 || turn.angle === 270;
}

export function turnSize(size: Size, turn: Turn): Size {
  return swapsSides(turn) ? { width: size.height, height: size.width } : size;
}

/** Where a rectangle of the turned picture lies in the stored one of size `stored`. */
export function unturnRectangle(rectangle: Rectangle, stored: Size, turn: Turn): Rectangle {
  const { left, top, width, height } = rectangle;
  let found: Rectangle;
  switch (turn.angle) {
    case 0:
      found = rectangle;
      break;
    case 90:
      found = { left: top, top: stored.height - left - width, width: height, height: width };
      break;
    case 180:
      found = { left: stored.width - left - width, top: stored.height - top - height, width, height };
      break;
    case 270:
      found = { left: stored.width - top - height, top: left, width: height, height: width };
      break;
  }
  return turn.mirror ? { ...found, left: stored.width - found.left - found.width } : found;
}
