import { type Compass, type Gravity, RequestError } from '@tintype/core';
import type { Arguments } from './arguments.ts';
import { LARGEST_SIZE } from './limits.ts';

const COMPASS: ReadonlyMap<string, Compass> = new Map([
  ['ce', 'center'],
  ['no', 'north'],
  ['so', 'south'],
  ['ea', 'east'],
  ['we', 'west'],
  ['noea', 'north-east'],
  ['nowe', 'north-west'],
  ['soea', 'south-east'],
  ['sowe', 'south-west'],
]);

const EXPECTED = `${[...COMPASS.keys()].join(', ')} or fp`;

/** The middle, where nothing else is asked for. */
export const CENTER: Gravity = { type: 'compass', at: 'center', x: 0, y: 0 };

const SMART: Gravity = { type: 'smart' };

/**
 * Reads `type:x:y`: a point of the compass with offsets, `fp` with two coordinates from 0 to 1, or,
 * where `allowSmart` says so, `sm`.
 */
export function readGravity(args: Arguments, allowSmart: boolean): Gravity {
  const type = args.text(0);
  if (type === 'sm' && allowSmart) {
    if (args.count > 1) throw args.wrong(1, 'what follows the gravity sm', 'empty');
    return SMART;
  }
  if (type === 'fp') {
    return {
      type: 'focus',
      x: args.decimal(1, 'x of the focus point', 0, 1),
      y: args.decimal(2, 'y of the focus point', 0, 1),
    };
  }
  if (type === 'obj' || type === 'objw') {
    throw new RequestError(400, 'unsupported-option', `The gravity "${type}" is not supported; "sm" may do instead.`);
  }
  const at = COMPASS.get(type);
  if (at === undefined) throw args.wrong(0, 'the gravity', allowSmart ? `${EXPECTED} or sm` : EXPECTED);
  const x = readOffset(args, 1, 'the x offset');
  const y = readOffset(args, 2, 'the y offset');
  return at === 'center' && x === 0 && y === 0 ? CENTER : { type: 'compass', at, x, y };
}

function readOffset(args: Arguments, index: number, what: string): number {
  return args.has(index) ? args.decimal(index, what, -LARGEST_SIZE, LARGEST_SIZE) : 0;
}

/** Whether both mean the same place. */
export function sameGravity(a: Gravity, b: Gravity): boolean {
  if (a.type === 'smart' || b.type === 'smart') return a.type === b.type;
  if (a.type === 'compass' && b.type === 'compass' && a.at !== b.at) return false;
  return a.type === b.type && a.x === b.x && a.y === b.y;
}
