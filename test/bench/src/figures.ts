import type { Figure } from './figure.ts';
import { hitsFromFs, hitsOfMany, hitsOfOne } from './figures/hits.ts';

/** In the order in which they are measured. */
export const figures: readonly Figure[] = [hitsOfOne, hitsOfMany, hitsFromFs];
