import { test } from 'node:test';
import { expectNoSteps, nextSteps } from './next-steps.ts';

const steps = nextSteps('transformer.ts');
test('every method of the transformer is written', () => expectNoSteps(steps));
