import { test } from 'node:test';
import { expectNoSteps, nextSteps } from './next-steps.ts';

const steps = nextSteps('origin.ts');
test('every method of the origin is written', () => expectNoSteps(steps));
