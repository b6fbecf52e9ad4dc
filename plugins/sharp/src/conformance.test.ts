import { transformerConformance } from '@tintype/conformance';
import { describe, test } from 'vitest';
import type { SharpOptions } from './options.ts';
import { SharpTransformer } from './transformer.ts';

const options: SharpOptions = {
  quality: 80,
  formatQuality: ['webp=79', 'avif=63'],
  jpegProgressive: false,
  avifSpeed: 9,
  webpEffort: 0,
};

const make = () => new SharpTransformer(options);

transformerConformance({
  name: 'sharp',
  harness: { create: () => ({ transformer: make(), another: make }) },
  runner: { describe, test },
});
