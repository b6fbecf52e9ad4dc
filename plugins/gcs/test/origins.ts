import { onTestFinished } from 'vitest';
import type { GcsOriginOptions } from '../src/options.ts';
import { GcsOrigin } from '../src/origin.ts';

const scope = { downloadTimeout: 60, isAllowed: () => true };

const options: GcsOriginOptions = {
  endpoint: undefined,
  key: undefined,
  maxSockets: 50,
  requestTimeout: 60,
  allowedBuckets: [],
  deniedBuckets: [],
};

/** An origin that is closed when the test ends. */
export async function open(more: Partial<GcsOriginOptions>): Promise<GcsOrigin> {
  const origin = new GcsOrigin({ ...options, ...more }, scope);
  await origin.open();
  onTestFinished(() => origin.close());
  return origin;
}
