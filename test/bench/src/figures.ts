import type { Figure } from './figure.ts';
import { absCalls } from './figures/abs-calls.ts';
import { gcsCalls } from './figures/gcs-calls.ts';
import { hitsFromFs, hitsOfMany, hitsOfOne } from './figures/hits.ts';
import { hitsBesideMisses } from './figures/hits-beside-misses.ts';
import { misses } from './figures/misses.ts';
import { rawGrowth } from './figures/raw-growth.ts';
import { s3Calls } from './figures/s3-calls.ts';
import { swiftCalls } from './figures/swift-calls.ts';
import { transformGrowth } from './figures/transform-growth.ts';

/** In the order in which they are measured. */
export const figures: readonly Figure[] = [
  hitsOfOne,
  hitsOfMany,
  hitsFromFs,
  misses,
  hitsBesideMisses,
  transformGrowth,
  rawGrowth,
  s3Calls,
  absCalls,
  gcsCalls,
  swiftCalls,
];
