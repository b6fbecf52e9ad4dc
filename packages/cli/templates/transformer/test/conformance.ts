import { describe, test } from 'node:test';
import { transformerConformance } from '@tintype/conformance';
import { SkeletonTransformer } from '../src/transformer.ts';
import { expectNoSteps, nextSteps } from './next-steps.ts';

const steps = nextSteps('src/transformer.ts');
test('everything is written', () => expectNoSteps(steps));

// The whole suite, in one call, as soon as there is something to test. Its pictures are PNG.
if (steps.length === 0) {
  transformerConformance({
    name: 'skeleton',
    harness: { create: () => ({ transformer: new SkeletonTransformer({ quality: 80 }) }) },
    runner: { describe, test },
  });
}
