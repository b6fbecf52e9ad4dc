import { onTestFinished } from 'vitest';
import type { SwiftOriginOptions } from '../src/options.ts';
import { SwiftOrigin } from '../src/origin.ts';
import { optionsFor } from './harness.ts';

const scope = { downloadTimeout: 60, isAllowed: () => true };

/** An origin that is closed when the test ends. */
export async function open(more: Partial<SwiftOriginOptions>): Promise<SwiftOrigin> {
  const origin = new SwiftOrigin({ ...optionsFor(), allowedBuckets: [], deniedBuckets: [], ...more }, scope);
  await origin.open();
  onTestFinished(() => origin.close());
  return origin;
}
