import { describe, test } from 'node:test';
import { type OriginResource, originConformance } from '@tintype/conformance';
import { notImplemented } from '../src/not-implemented.ts';
import { SkeletonOrigin } from '../src/origin.ts';
import { expectNoSteps, nextSteps } from './next-steps.ts';

/** Puts a picture where the origin finds it, and answers its source URL. */
async function serve(_resource: OriginResource): Promise<string> {
  return notImplemented('serve', 'puts a resource where the origin finds it, and answers its source URL.');
}

const steps = nextSteps('src/origin.ts', 'test/conformance.ts');
test('everything is written', () => expectNoSteps(steps));

// The whole suite, in one call, as soon as there is something to test.
if (steps.length === 0) {
  originConformance({
    name: 'skeleton',
    // How to make an origin. The more a harness can do (OriginSubject), the more is tested.
    harness: {
      create: () => ({
        origin: new SkeletonOrigin('somewhere for tests', { downloadTimeout: 5, isAllowed: () => true }),
        serve,
        missing: 'skeleton:///there-is-no-such-picture.png',
      }),
    },
    runner: { describe, test },
  });
}
