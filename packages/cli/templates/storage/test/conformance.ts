import { describe, test } from 'node:test';
import { storageConformance } from '@tintype/conformance';
import { SkeletonStorage } from '../src/storage.ts';
import { expectNoSteps, nextSteps } from './next-steps.ts';

const steps = nextSteps('src/storage.ts');
test('everything is written', () => expectNoSteps(steps));

// The whole suite, in one call, as soon as there is something to test.
if (steps.length === 0) {
  storageConformance({
    name: 'skeleton',
    // How to make a storage. The more a harness can do (StorageSubject), the more is tested.
    harness: { create: () => ({ adapter: new SkeletonStorage({ target: 'somewhere for tests' }) }) },
    runner: { describe, test },
  });
}
